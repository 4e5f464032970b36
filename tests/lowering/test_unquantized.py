"""Numbers that only a quantizer makes wires: functions become tables, divisions stay exact."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, sampled_from

from hgq2rtl.errors import NotExact, TooLarge
from hgq2rtl.fixed import OVERFLOWS, ROUNDINGS
from hgq2rtl.fixed.quantize import quantize
from hgq2rtl.ir import verify
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.ir.operations import lookup
from hgq2rtl.lowering import Input, trace_function
from hgq2rtl.passes import run_passes

SEEDED = settings(derandomize=True, deadline=None, max_examples=60)


def values_of(function, *inputs: Input, numbers) -> np.ndarray:
    """`function` on all `numbers` (samples, inputs), lowered and again after all passes."""
    program = verify(trace_function(function, list(inputs)))
    given_ports = [np.asarray(column) for column in np.transpose(numbers)]
    (plain,) = Interpreter(program).predict(given_ports)
    (optimised,) = Interpreter(run_passes(program)).predict(given_ports)
    assert np.array_equal(plain, optimised)
    return plain


def rounded_fraction(x: Fraction, f: int, k: int, bits: int, rounding: str, overflow: str) -> float:
    """By definition: enough bits of the fraction, and one for the rest, then the integer rule."""
    scaled = x * Fraction(2) ** (f + 8)
    whole = scaled.numerator // scaled.denominator
    sticky = 2 * whole + (whole != scaled)
    return float(quantize(sticky, 9, k, bits, rounding, overflow) * Fraction(2) ** -f)


@SEEDED
@given(
    divisor=integers(2, 60),
    f=integers(-2, 4),
    k=integers(0, 1),
    bits=integers(1, 6),
    rounding=sampled_from(ROUNDINGS),
    overflow=sampled_from(OVERFLOWS),
    form=sampled_from([(1, 3, 2), (0, 2, 2), (1, 5, -1)]),
)
def test_a_quotient_is_rounded_exactly(divisor, f, k, bits, rounding, overflow, form):
    """Catches a reciprocal that is not precise enough, and a tie that is missed."""
    if overflow == "WRAP_SM" and rounding not in ("RND", "RND_CONV"):
        rounding = "RND"
    numbers = whole_port(*form)
    got = values_of(
        lambda x: (x / divisor).quantize(k, bits - f, f, rounding, overflow),
        Input(form),
        numbers=numbers[:, None],
    )
    wanted = [
        rounded_fraction(Fraction(float(x)) / divisor, f, k, bits, rounding, overflow)
        for x in numbers
    ]
    assert got.tolist() == wanted


def whole_port(k: int, i: int, f: int) -> np.ndarray:
    """All numbers that a format holds."""
    return np.ldexp(np.arange(-k << (i + f), 1 << (i + f)).astype(float), -f)


@pytest.mark.parametrize("scaler", [3.0, 0.75, -1.0, -2.5, 4.0])
def test_any_scaler_is_exact(scaler):
    """Catches a division by the scaler that rounds in between."""
    numbers = whole_port(1, 3, 3)
    got = values_of(
        lambda x: x.quantize(1, 2, 2, "RND", "SAT", scaler),
        Input("1,3,3"),
        numbers=numbers[:, None],
    )
    wanted = [
        scaler * rounded_fraction(Fraction(float(x)) / Fraction(scaler), 2, 1, 4, "RND", "SAT")
        for x in numbers
    ]
    assert got.tolist() == wanted


def test_linear_steps_and_relu_keep_a_quotient_exact():
    """Catches a mean that is multiplied or cut at zero before it is quantized."""
    numbers = whole_port(1, 3, 1)
    got = values_of(
        lambda x: ((x / 3) * 2.5 - 1).relu().quantize(0, 4, 3, "RND"),
        Input("1,3,1"),
        numbers=numbers[:, None],
    )
    exact = [max(Fraction(float(x)) / 3 * Fraction(5, 2) - 1, Fraction(0)) for x in numbers]
    assert got.tolist() == [rounded_fraction(x, 3, 0, 7, "RND", "WRAP") for x in exact]


def test_sums_of_quotients_are_exact():
    """Catches a mean of three beside another number that is taken for a table of two inputs."""
    numbers = np.random.default_rng(3).integers(-16, 16, (80, 3)) / 2

    def meaning(a, b, c):
        return (a + b + c) / 3 - b / 5 + c

    got = values_of(
        lambda a, b, c: meaning(a, b, c).quantize(1, 5, 3, "RND_CONV"),
        *[Input("1,3,1")] * 3,
        numbers=numbers,
    )
    exact = [meaning(*map(Fraction, row)) for row in numbers.tolist()]
    assert got.tolist() == [rounded_fraction(x, 3, 1, 8, "RND_CONV", "WRAP") for x in exact]


@pytest.mark.parametrize("function", [np.tanh, np.exp, lambda x: 1 / (1 + np.exp(-x))])
def test_a_function_becomes_one_table(function):
    """Catches entries that are off by one place, and a table for each element."""
    numbers = whole_port(1, 2, 3)
    program = trace_function(
        lambda x: function(x).quantize(1, 3, 4, "RND_CONV", "SAT"), {"x": Input("1,2,3", (5,))}
    )
    assert len(program.tables) == 1 and len(program.values_of(lookup)) == 5
    x = np.tile(numbers[:, None], 5)
    (got,) = Interpreter(program).predict([x])
    assert np.array_equal(got, np.clip(np.rint(function(x) * 16) / 16, -8, 8 - 2**-4))


def test_functions_of_one_wire_join_before_the_table():
    """Catches a table of x * sigmoid(x) that is taken for a function of two numbers."""
    numbers = whole_port(1, 2, 2)

    def swish(x):
        return x * (1 / (1 + np.exp(-x))) + 0.5

    got = values_of(
        lambda x: swish(x).quantize(1, 3, 5, "RND"), Input("1,2,2"), numbers=numbers[:, None]
    )
    assert np.array_equal(got, np.floor(swish(numbers) * 32 + 0.5) / 32)


def test_a_function_of_two_wires_is_refused():
    """Catches a table with the wrong input."""
    with pytest.raises(NotExact) as error:
        trace_function(lambda x, y: np.tanh(x) * y, ["1,2,2", "1,2,2"])
    assert str(error.value) == (
        "function '<lambda>' is a function of two numbers that has no exact value. Quantize one "
        "of them first: a table has one input."
    )


def test_an_open_number_at_an_output_is_refused():
    """Catches a function that is rounded in silence."""
    with pytest.raises(NotExact) as error:
        trace_function(lambda x: np.tanh(x), ["1,2,2"])
    assert str(error.value) == (
        "output 'output' needs the exact value of a function that has none. Put a quantizer behind "
        "the function (a QUnaryFunctionLUT, or a Quantizer): it becomes a table."
    )
    with pytest.raises(NotExact) as error:
        trace_function(lambda x: x / 3, ["1,2,2"])
    assert str(error.value) == (
        "output 'output' needs the exact value of a division by 3, which has no finite binary "
        "form. Put a quantizer behind the division, or divide by a power of two."
    )


def test_a_table_beyond_any_memory_is_refused():
    """Catches a table of a million entries."""
    with pytest.raises(TooLarge) as error:
        trace_function(lambda x: np.tanh(x).quantize(1, 0, 7), ["1,10,20"])
    assert str(error.value) == (
        "function '<lambda>': a table over 31 input bits has 2^31 entries; the limit is 18 bits. "
        "Give its input quantizer fewer bits."
    )


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda x: np.ones(3), "it gave an array of type float64 and shape (3,) for shape (32,)."),
        (lambda x: x > 0, ""),
        (lambda x: x + 1j, "it gave an array of type complex128 and shape (32,) for shape (32,)."),
    ],
)
def test_a_function_must_give_one_real_number_each(function, problem):
    """Catches a function that reduces its input."""

    def traced():
        trace_function(lambda x: x.apply(function).quantize(1, 2, 2), ["1,2,2"])

    if not problem:
        traced()
        return
    with pytest.raises(NotExact) as error:
        traced()
    assert str(error.value).endswith(problem)


def test_a_function_that_is_undefined_says_where():
    """Catches a NaN that becomes an integer."""
    with pytest.raises(NotExact) as error:
        trace_function(lambda x: np.sqrt(x).quantize(1, 2, 2), ["1,2,2"])
    assert str(error.value) == (
        "function '<lambda>': the function of a table is no number at -4, which its input can be. "
        "Narrow the input's format to where the function is defined."
    )
