"""A function written with NumPy names gives the same on wires as on NumPy arrays."""

from __future__ import annotations

import numpy as np
import pytest

from hgq2rtl.errors import NotExact
from hgq2rtl.ir import verify
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.lowering import FixedArray, Input, quantize, trace_function
from hgq2rtl.lowering.numpy_functions import FUNCTIONS, UFUNCS
from hgq2rtl.passes import run_passes

W = np.arange(-6, 6).reshape(3, 4) / 4
COLUMN = np.array([[1], [-2], [3]])

ELEMENTWISE = {
    "arithmetic": lambda x, y: (x + y, y - x, 2 - x, -x, +x, 0.5 * x, x * y, x / 4, 3 + y),
    "constants": lambda x, y: (x + W, W - x, W * y, x * 0, np.float32(0.25) * x, x - 1),
    "ufuncs": lambda x, y: (np.add(x, y), np.subtract(1, y), np.multiply(W, x), np.negative(x)),
    "powers": lambda x, y: (x**2, np.square(y), np.power(x, 3), x**1),
    "choices": lambda x, y: (np.maximum(x, y), np.minimum(x, 0.5), np.maximum(W, y), abs(x)),
    "sign": lambda x, y: (np.sign(x), np.absolute(y), np.fabs(x), np.heaviside(x, 1)),
    "clip": lambda x, y: (np.clip(x, -1, 1.5), np.clip(x, None, 0), x.clip(0, None)),
    "where": lambda x, y: (np.where(x > y, x, y), np.where(x, 1, 0), np.where(W > 0, x, -y)),
    "select": lambda x, y: (np.select([x > 1, x < -1], [y, -y], 0),),
    "comparisons": lambda x, y: (x < y, x <= 0, y > x, 1 >= x, x == y, x != 0, np.less(x, y)),
    "logic": lambda x, y: (
        (x > 0) & (y > 0),
        (x > 0) | (y > 0),
        (x > 0) ^ (y > 0),
        ~(x > y),
        np.logical_and(x, y),
        np.logical_or(x > 1, y),
        np.logical_not(x),
        np.logical_xor(x > 0, y),
    ),
    "whole": lambda x, y: (np.floor(x), np.ceil(y), np.rint(x), np.trunc(x), np.round(y)),
    "division": lambda x, y: (x // 1.5, x % 1.5, x // -0.75, np.remainder(y, 3), y // 2),
    "truth in arithmetic": lambda x, y: ((x > 0) * 2 + (y > 0), (x > 0) * y, 1 - (y > x)),
}
REDUCTIONS = {
    "sums": lambda x, y: (np.sum(x), x.sum(axis=1), np.sum(x, axis=0, keepdims=True), sum(x)),
    "means": lambda x, y: (np.mean(x, axis=1), x.mean(axis=-1, keepdims=True)),
    "extrema": lambda x, y: (np.max(x), np.min(x, axis=0), np.amax(x, axis=1), x.max(), x.min()),
    "places": lambda x, y: (
        np.argmax(x, axis=0),
        np.argmax(x, axis=1),
        np.argmin(y, axis=1),
        np.argmax(x),
        x.argmin(axis=0),
        np.argmax(np.floor(x), axis=1),  # many equal ones
    ),
    "sorting": lambda x, y: (np.sort(x), np.sort(y, axis=0), np.sort(x, axis=None)),
    "order": lambda x, y: (np.argsort(np.floor(x), kind="stable"), np.argsort(y, axis=0)),
    "any and all": lambda x, y: (np.any(x > 1, axis=1), np.all(x > -1), (x > 2).any()),
    "counts": lambda x, y: (np.count_nonzero(x > 0), np.sum(x > y, axis=1)),
    "products": lambda x, y: (np.prod(np.sign(x), axis=1),),
    "running": lambda x, y: (np.cumsum(x, axis=1), np.cumsum(x), np.diff(x), np.diff(y, axis=0)),
    "span": lambda x, y: (np.ptp(x, axis=1), np.add.reduce(x), np.maximum.reduce(y, axis=1)),
}
PRODUCTS = {
    "matmul": lambda x, y: (x @ W.T, W.T @ x, x @ y.T, np.matmul(x, W[0]), x[0] @ y[0]),
    "batched": lambda x, y: (x.reshape(3, 2, 2) @ y.reshape(3, 2, 2), W.reshape(3, 2, 2) @ x[:2]),
    "einsum": lambda x, y: (
        np.einsum("ab,cb->ac", x, y),
        np.einsum("ab,ab->b", x, W),
        np.einsum("ab,ab", x, W),
        np.einsum("ab->ba", x),
        np.einsum("ab->a", x),
        np.einsum("aa->a", x[:3, :3]),
        np.einsum("...b,b->...", x, W[1]),
        np.einsum("ab,cb,c->a", x, W, y[:, 0]),
    ),
    "dots": lambda x, y: (np.dot(x, W[0]), np.dot(x[0], y[1]), np.inner(x, y), np.dot(x, y.T)),
    "outer": lambda x, y: (np.outer(x[0], y[1]), np.vdot(x[0], W[0]), np.tensordot(x, y, 2)),
}
MOVING = {
    "shapes": lambda x, y: (x.T, x.reshape(4, 3), x.reshape((2, -1)), np.ravel(x), x.flatten()),
    "axes": lambda x, y: (np.transpose(x), np.swapaxes(x, 0, 1), np.moveaxis(x, 0, 1), x[None]),
    "extents": lambda x, y: (np.expand_dims(x, 1), np.squeeze(x[None]), np.atleast_2d(x[0])),
    "slices": lambda x, y: (
        x[1:],
        x[:, ::-1],
        x[..., 0],
        x[[2, 0]],
        x[np.array([True, False, True])],
    ),
    "joins": lambda x, y: (
        np.concatenate([x, y]),
        np.stack([x, y, W], axis=1),
        np.hstack([x, y]),
        np.vstack([x, W]),
        np.append(x, y),
        np.column_stack([x[:, 0], y[:, 0]]),
    ),
    "cuts": lambda x, y: (*np.split(x, 2, axis=1), *np.array_split(y, 2)),
    "copies": lambda x, y: (np.repeat(x, 2, axis=0), np.tile(x, 2), np.roll(x, 1), np.flip(y)),
    "picks": lambda x, y: (np.take(x, [2, 0], axis=1), np.delete(x, 1, axis=0), np.diagonal(x)),
    "padding": lambda x, y: (np.pad(x, 1), np.pad(x, ((0, 1), (2, 0)), constant_values=-1.5)),
    "edges": lambda x, y: (np.pad(x, 1, mode="edge"), np.pad(y, 1, mode="reflect")),
    "triangles": lambda x, y: (np.tril(x), np.triu(y, 1)),
    "filled": lambda x, y: (x + np.zeros_like(x), x * np.ones_like(y), x - np.full_like(x, 2.5)),
    "broadcasts": lambda x, y: (np.broadcast_to(x[0], (2, 4)), *np.broadcast_arrays(x, y[:1])),
    "facts": lambda x, y: (x * np.ndim(x), x + np.size(y), x - np.shape(x)[1], x * len(y)),
}
OTHER_NAMES = {
    "extrema": lambda x, y: (np.fmax(x, y), np.fmin(x, y), np.amin(x), np.average(x, axis=1)),
    "arithmetic": lambda x, y: (
        *(np.true_divide(x, 2), np.floor_divide(x, 2), np.float_power(x, 2), np.positive(x)),
        *(np.conjugate(x), np.around(x), np.matmul(x, y.T), np.equal(x, y), np.not_equal(x, y)),
        *(np.greater(x, y), np.greater_equal(x, y), np.less_equal(x, y)),
    ),
    "nothing": lambda x, y: (
        *(np.copy(x), np.real(x), np.real_if_close(x), np.nan_to_num(x)),
        x + np.iscomplexobj(x),
    ),
    "moves": lambda x, y: (
        *(np.rollaxis(x, 1), np.fliplr(x), np.flipud(x), np.rot90(x), np.reshape(x, (2, 6))),
        *(np.atleast_1d(x), np.atleast_3d(x), np.take_along_axis(x, COLUMN % 3, axis=1)),
        *(np.matrix_transpose(x), np.permute_dims(x, (1, 0))),
    ),
    "pieces": lambda x, y: (
        *np.hsplit(x, 2),
        *np.vsplit(y, 3),
        *np.dsplit(x.reshape(1, 3, 4), 2),
        *(np.dstack([x, y]), np.concat([x, y])),
    ),
}
GROUPS = (ELEMENTWISE, REDUCTIONS, PRODUCTS, MOVING, OTHER_NAMES)
ALL = {f"{n}: {name}": f for n, group in enumerate(GROUPS) for name, f in group.items()}
FORMS = (Input("1,2,2", (3, 4)), Input("1,1,1", (3, 4)))


def samples(rng: np.random.Generator) -> list[np.ndarray]:
    """Numbers of FORMS: corners, ties, then any."""
    x, y = rng.integers(-16, 16, (40, 3, 4)) / 4, rng.integers(-4, 4, (40, 3, 4)) / 2
    x[0], y[0], x[1], y[1], x[2], y[2] = -4, -2, 3.75, 1.5, 0, 0
    x[3, :, :] = x[3, :1, :1]
    return [x, y]


@pytest.mark.parametrize("name", ALL)
def test_numpy_names_mean_on_wires_what_they_mean_on_numbers(name):
    """Catches a name that computes something else, or gives another shape."""
    function = ALL[name]
    program = verify(trace_function(function, FORMS))
    inputs = samples(np.random.default_rng(3))
    wanted = [function(x, y) for x, y in zip(*inputs, strict=True)]
    for made in (program, run_passes(program)):
        results = Interpreter(made).predict(inputs)
        assert len(results) == len(wanted[0])
        for n, got in enumerate(results):
            expected = np.array([each[n] for each in wanted]).astype(float)
            assert got.shape == expected.shape, (name, n)
            assert np.array_equal(got, expected), (name, n)


def integer_logic(x, y):
    return (
        *(x & y, x | 5, x ^ y, ~x, x << 2, x >> 1),
        *(np.bitwise_and(x, 6), np.bitwise_or(x, y), np.bitwise_xor(3, x)),
        *(np.invert(y), np.left_shift(x, 1), np.right_shift(x, 2)),
    )


def test_integers_have_bits():
    """Catches bitwise functions that see scaled mantissas."""
    program = trace_function(integer_logic, ["1,4,0", "0,3,0"])
    x, y = (a.ravel() for a in np.meshgrid(np.arange(-16, 16), np.arange(8)))
    for made in (program, run_passes(program)):
        for got, wanted in zip(
            Interpreter(made).predict([x.astype(float), y.astype(float)]),
            integer_logic(x, y),
            strict=True,
        ):
            assert np.array_equal(got, wanted)


def test_quantize_serves_wires_and_numbers():
    """Catches a function that cannot be tried on floats first."""

    def function(x):
        return quantize(x * 0.375 + 0.0625, 1, 1, 2, "RND_CONV", "SAT_SYM")

    program = trace_function(function, ["1,3,3"])
    x = np.arange(-64, 64) / 8
    (got,) = Interpreter(program).predict([x])
    assert np.array_equal(got, function(x))


def test_plain_numbers_are_not_rounded_by_a_float():
    """Catches a result of 60 bits that loses its last ones."""
    with pytest.raises(NotExact) as error:
        quantize(2**60 + 1, 1, 62, 0)
    assert str(error.value) == (
        f"{2**60 + 1} * 2**0 needs more than the 53 bits of a float64: quantize plain numbers to "
        "a narrower format"
    )


def test_a_division_by_zero_is_refused():
    """Catches an error of Python that is taken for a defect."""
    with pytest.raises(NotExact) as error:
        trace_function(lambda x: x / 0, ["1,2,2"])
    assert str(error.value) == ("function '<lambda>' divides by zero. Divide by another constant.")


def test_a_truth_value_is_no_python_bool():
    """Catches an ``if`` on a wire, which would take one branch for all inputs."""
    with pytest.raises(TypeError) as error:
        trace_function(lambda x: x if x > 0 else -x, ["1,2,2"])
    assert str(error.value) == (
        "the truth of a wire is known in hardware only: use np.where instead of if, and & | ~ "
        "instead of and, or, not"
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda x: np.linalg.norm(x),
            "numpy.norm has no form on wires. docs/functions.md lists what has; a function of "
            "single numbers can be a table: x.apply(function).quantize(k, i, f).",
        ),
        (
            lambda x: np.add(x, 1, out=np.zeros(3)),
            "numpy.add on wires takes no out=: assign the result instead",
        ),
        (
            lambda x: np.add.accumulate(x),
            "numpy.add.accumulate has no form on wires. Write it as a loop.",
        ),
        (lambda x: np.modf(x), "numpy.modf gives 2 results: call it in parts."),
        (
            lambda x: x & 1,
            "bitwise operations take integers, and element 0 has 2 fraction bits: use np.floor or "
            "quantize first",
        ),
        (
            lambda x: np.asarray(x, float),
            "wires have no numbers yet: this NumPy function would need them. Use the functions "
            "that docs/functions.md lists, or FixedArray.apply for a function as a table.",
        ),
    ],
)
def test_what_has_no_form_is_refused(function, message):
    """Catches a NumPy function that turns wires into numbers by chance."""
    with pytest.raises(TypeError) as error:
        trace_function(function, {"x": Input("1,2,2", (3,))})
    assert str(error.value) == message


def test_every_name_of_the_tables_is_tried(monkeypatch):
    """Catches a name that was registered and never run."""
    tried = set()
    functions, ufuncs = FixedArray.__array_function__, FixedArray.__array_ufunc__

    def record_function(self, function, types, args, options):
        tried.add(function)
        return functions(self, function, types, args, options)

    def record_ufunc(self, ufunc, method, *inputs, **options):
        tried.add(ufunc)
        return ufuncs(self, ufunc, method, *inputs, **options)

    monkeypatch.setattr(FixedArray, "__array_function__", record_function)
    monkeypatch.setattr(FixedArray, "__array_ufunc__", record_ufunc)
    for function in ALL.values():
        trace_function(function, FORMS)
    trace_function(integer_logic, ["1,4,0", "0,3,0"])
    assert {*FUNCTIONS, *UFUNCS} - tried == set()
