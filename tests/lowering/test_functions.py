"""Functions by name: their values, their rounding, and where they come from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hgq2rtl.errors import BadOption, NotExact, UnsupportedLayer
from hgq2rtl.frontends import Layer
from hgq2rtl.lowering import lower
from hgq2rtl.lowering.functions import FUNCTIONS, ON_WIRES, function_named
from hgq2rtl.lowering.layer import LoweringLayer

from .graphs import PORT, graph_of, inputs_of, lowered, predicted, quantizer

X = np.concatenate([np.linspace(-9, 9, 145), [-100, 100, 1e-3, -1e-3]])
SQRT_HALF = math.sqrt(0.5)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


MEANINGS = {
    "celu": lambda x: x if x > 0 else math.expm1(x),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "gelu": lambda x: x * math.erfc(-x * SQRT_HALF) / 2,
    "hard_sigmoid": lambda x: min(max(x + 3, 0), 6) / 6,
    "hard_silu": lambda x: x * min(max(x + 3, 0), 6) / 6,
    "leaky_relu": lambda x: x if x > 0 else 0.2 * x,
    "log_sigmoid": lambda x: -softplus(-x),
    "mish": lambda x: x * math.tanh(softplus(x)),
    "rsqrt": lambda x: abs(x) ** -0.5,
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "sparse_plus": lambda x: 0 if x <= -1 else x if x >= 1 else (x + 1) ** 2 / 4,
    "squareplus": lambda x: (x + math.sqrt(x * x + 4)) / 2,
    "swish": lambda x: x * sigmoid(x),
    "tanh_shrink": lambda x: x - math.tanh(x),
    "erf": math.erf,
    "exponential": math.exp,
}


def layer(functions=None, **config) -> LoweringLayer:
    return LoweringLayer(Layer("l", "Activation", config), "l (Activation) in f", None, functions)


@pytest.mark.parametrize("name", MEANINGS)
def test_curves_are_those_of_their_definitions(name):
    """Catches a slope, a constant or an approximation that is not Keras'."""
    x = np.abs(X) + 0.1 if name == "rsqrt" else X
    wanted = np.array([MEANINGS[name](n) for n in x])
    assert np.allclose(FUNCTIONS[name](x), wanted, rtol=1e-13, atol=1e-300)


def test_gelu_has_an_approximate_form():
    x = X[:-4]
    approximate = x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    assert np.array_equal(FUNCTIONS["gelu"](x, approximate=True), approximate)
    assert np.abs(FUNCTIONS["gelu"](x) - approximate).max() > 1e-4


def test_values_are_rounded_once_to_the_type_of_the_argument():
    """Catches float32 steps, which would be off by units in the last place."""
    x = X.astype(np.float32)
    for name in ("gelu", "mish", "log_sigmoid", "sinc"):
        made = function_named(name, layer())(x)
        assert made.dtype == np.float32
        assert np.array_equal(made, FUNCTIONS[name](x.astype(np.float64)).astype(np.float32))


def test_parameters_are_numbers_of_the_float_type():
    slope = np.float32(0.1)
    made = function_named("leaky_relu", layer(), {"negative_slope": 0.1})(np.float32([-3.0]))
    assert made[0] == np.float32(np.float64(slope) * -3)


@pytest.mark.parametrize("name", sorted(ON_WIRES))
def test_what_is_exact_on_wires_is_the_same_function(name):
    """Catches a threshold that belongs to the other side, and what needs a table after all."""
    program = lowered(graph_of([Layer("a", "Activation", {"activation": name})], (4,)))
    (x,) = inputs_of((4,))
    assert np.array_equal(predicted(program, x), FUNCTIONS[name](x))
    assert not program.tables


def test_thresholds_on_wires():
    for name, parameters in (
        ("threshold", {"threshold": 0.5, "default_value": -1.0}),
        ("hard_shrink", {"threshold": 1.25}),
    ):
        config = {"activation": name, "parameters": parameters}
        program = lowered(graph_of([Layer("a", "Activation", config)], (4,)))
        (x,) = inputs_of((4,))
        assert np.array_equal(predicted(program, x), FUNCTIONS[name](x, **parameters))


# -- the user's own ----------------------------------------------------------------

TABLE = quantizer(1, 1, 5, "RND", "SAT")


def of_user(functions, name="zoo>bump"):
    quantizers = {"output": (TABLE,)}
    table = Layer("t", "QUnaryFunctionLUT", {"activation": name}, quantizers=quantizers)
    return lower(graph_of([table], (4,)), {"in0": PORT}, functions=functions)


def test_a_given_function_becomes_a_table_in_the_float_type_of_the_layer():
    seen = []

    def bump(x):
        seen.append(x.dtype)
        return x / (1 + x * x)

    (x,) = inputs_of((4,))
    got = predicted(of_user({"zoo>bump": bump}), x)
    wanted = np.clip(np.floor(bump(x.astype(np.float32)) * 32 + 0.5) / 32, -2, 2 - 1 / 32)
    assert np.array_equal(got, wanted) and seen[0] == np.float32


def test_a_given_function_goes_before_a_known_one():
    (x,) = inputs_of((4,))
    got = predicted(of_user({"tanh": np.zeros_like}, "tanh"), x)
    assert not got.any()


def test_a_function_that_nobody_gave_is_refused_by_its_name():
    with pytest.raises(UnsupportedLayer) as caught:
        of_user({"zoo>other": np.tanh})
    assert str(caught.value) == (
        "t (QUnaryFunctionLUT) in net.keras: the function 'zoo>bump' is the model author's own, "
        'and no code of a model file is ever run. Give it: functions={"zoo>bump": f} in Python, '
        "or --functions FILE.py."
    )


def test_what_is_no_name_is_refused():
    with pytest.raises(UnsupportedLayer) as caught:
        of_user({}, "__import__('os')")
    assert str(caught.value) == (
        "t (QUnaryFunctionLUT) in net.keras: activation \"__import__('os')\" is not the name of "
        "a function. Use one of Keras' activations."
    )


def test_failures_of_a_given_function_are_told():
    def broken(x):
        raise ValueError("no luck")

    with pytest.raises(BadOption) as caught:
        of_user({"zoo>bump": broken})
    assert str(caught.value) == (
        "t (QUnaryFunctionLUT) in net.keras: the given function 'zoo>bump' fails on an array of "
        "shape (32,): ValueError: no luck"
    )


def test_a_given_function_must_be_a_number_everywhere():
    with pytest.raises(NotExact) as caught:
        of_user({"zoo>bump": np.log})
    assert str(caught.value) == (
        "t (QUnaryFunctionLUT) in net.keras: the function of a table is no number at -4, which "
        "its input can be. Narrow the input's format to where the function is defined."
    )


def test_a_function_of_a_constant_is_a_constant():
    """Catches elements that a quantizer has silenced: they hold f(0), not nothing."""
    dead = quantizer(1, 1, [1, 1, -2, -2], "RND", "SAT")
    layer = Layer(
        "t",
        "QUnaryFunctionLUT",
        {"activation": "cos"},
        quantizers={"input": (dead,), "output": (TABLE,)},
    )
    program = lowered(graph_of([layer], (4,)))
    (x,) = inputs_of((4,))
    assert (predicted(program, x)[:, 2:] == 1).all()
    assert len({value.attributes["table"] for value in program if "table" in value.attributes}) == 1
