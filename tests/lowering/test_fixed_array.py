"""FixedArray: index maps that cost nothing, and arithmetic that is exact."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers

from hgq2rtl.errors import NeedsInputFormat, NotExact
from hgq2rtl.fixed import ExactArray, Format, exact
from hgq2rtl.ir import Builder, Field, Program, ProgramPort, verify
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.ir.operations import input_, lincomb
from hgq2rtl.lowering import FixedArray
from hgq2rtl.lowering.ports import InputPort
from hgq2rtl.lowering.tracer import Tracer

SEEDED = settings(derandomize=True, deadline=None, max_examples=25)


def raw_inputs(shape: tuple[int, ...]) -> FixedArray:
    """Elements that nothing has read."""
    return InputPort(Tracer(Builder()), 0, "x", shape).raw()


def begun(shape: tuple[int, ...], rng: np.random.Generator) -> FixedArray:
    """Input wires of random formats."""
    count = int(np.prod(shape))
    formats = [
        Format.from_kif(int(rng.integers(2)), int(rng.integers(3, 5)), int(rng.integers(-2, 4)))
        for _ in range(count)
    ]
    fields = tuple(Field(n, format) for n, format in enumerate(formats))
    builder = Builder([ProgramPort("x", (count,), fields)])
    wires = np.array([builder.input(0, n) for n in range(count)], np.int64)
    return FixedArray(Tracer(builder), wires.reshape(shape))


def finished(made: FixedArray) -> Program:
    builder = made.tracer.builder
    builder.add_output_port("y", made.shape, made.wires.reshape(-1).tolist())
    return verify(builder.build())


def fractions_of(mantissas: np.ndarray, formats: list[Format]) -> np.ndarray:
    """One sample as Fractions."""
    pairs = zip(mantissas.tolist(), formats, strict=True)
    return np.array([m * Fraction(2) ** f.exponent for m, f in pairs], object)


def assert_computes(
    shape: tuple[int, ...],
    on_wires: Callable[[FixedArray], FixedArray],
    on_fractions: Callable[[np.ndarray], np.ndarray],
    seed: int = 0,
) -> Program:
    """`on_wires` is `on_fractions`, number by number."""
    rng = np.random.default_rng(seed)
    x = begun(shape, rng)
    program = finished(on_wires(x))
    given, wanted = program.inputs[0].fields, program.outputs[0]
    mantissas = np.array(
        [[rng.integers(f.format.lo, f.format.hi, endpoint=True) for f in given] for _ in range(9)]
    )
    (results,) = Interpreter(program, exact=True).run([mantissas])
    for sample, result in zip(mantissas, results, strict=True):
        inputs = fractions_of(sample, [f.format for f in given]).reshape(shape)
        got = fractions_of(result, [f.format for f in wanted.fields]).reshape(wanted.shape)
        assert np.array_equal(got, on_fractions(inputs))
    return program


def constants(shape: tuple[int, ...], seed: int) -> tuple[ExactArray, np.ndarray]:
    """Random exact constants with zeros, and the same as Fractions."""
    rng = np.random.default_rng(seed)
    values = np.ldexp(rng.integers(-9, 10, shape).astype(float), rng.integers(-3, 3, shape))
    values[rng.random(shape) < 0.2] = 0
    return exact(values), np.vectorize(Fraction, otypes=[object])(values)


# -- index maps --------------------------------------------------------------


@pytest.mark.parametrize(
    "move",
    [
        lambda a: a.reshape((3, 4)),
        lambda a: a.reshape((4, -1)),
        lambda a: a.reshape(-1),
        lambda a: a.transpose((2, 0, 1)),
        lambda a: a[1],
        lambda a: a[:, ::-1],
        lambda a: a[..., 0],
        lambda a: a[np.array([1, 0, 1])],
    ],
)
def test_moving_elements_adds_no_value(move):
    """Catches an index map that costs a wire, or that orders elements otherwise than NumPy."""
    x = begun((2, 3, 2), np.random.default_rng(0))
    before = len(x.tracer.builder)
    made = move(x)
    wanted = move(np.arange(12).reshape(2, 3, 2))
    assert made.wires.tolist() == wanted.tolist()
    assert (made.shape, made.ndim, made.size) == (wanted.shape, wanted.ndim, wanted.size)
    assert len(x.tracer.builder) == before


def test_concatenation_and_broadcast_are_numpys():
    """Catches another axis, or a copy of wires."""
    x = begun((2, 3), np.random.default_rng(0))
    a = np.arange(6).reshape(2, 3)
    for axis in (0, 1, -1):
        joined = FixedArray.concatenate([x, x[:1] if axis == 0 else x], axis)
        other = np.concatenate([a, a[:1] if axis == 0 else a], axis)
        assert joined.wires.tolist() == other.tolist()
    assert x.broadcast_to((4, 2, 3)).wires.tolist() == np.broadcast_to(a, (4, 2, 3)).tolist()
    assert len(x) == 2


# -- arithmetic --------------------------------------------------------------


@SEEDED
@given(seed=integers(0, 2**32 - 1))
def test_sums_and_differences_are_exact(seed):
    """Catches scales that are not aligned, or a sign on the wrong side."""
    c, f = constants((2, 3), seed)
    assert_computes((2, 3), lambda x: x + x[::-1], lambda x: x + x[::-1], seed)
    assert_computes((2, 3), lambda x: x - x[:, ::-1], lambda x: x - x[:, ::-1], seed)
    assert_computes((2, 3), lambda x: x + c, lambda x: x + f, seed)
    assert_computes((2, 3), lambda x: x - c, lambda x: x - f, seed)


@SEEDED
@given(seed=integers(0, 2**32 - 1))
def test_products_with_constants_are_exact(seed):
    """Catches a factor that loses its exponent, and zeros that keep a wire."""
    c, f = constants((3,), seed)
    assert_computes((2, 3), lambda x: x * c, lambda x: x * f, seed)
    k, g = constants((3, 4), seed + 1)
    assert_computes((2, 3), lambda x: x @ k, lambda x: x.dot(g), seed)
    assert_computes((2, 2, 3), lambda x: x @ k, lambda x: x.dot(g), seed)
    assert_computes((3,), lambda x: x @ k, lambda x: x.dot(g), seed)


@SEEDED
@given(seed=integers(0, 2**32 - 1))
def test_arithmetic_may_be_mixed(seed):
    """Catches a result that another operation cannot take: constants, shifted wires, relus."""
    k, g = constants((3, 3), seed)
    c, f = constants((3,), seed + 1)

    def on_wires(x: FixedArray) -> FixedArray:
        return ((x @ k - c) * 0.5).relu() + x * 4.0 - x.relu()

    def on_fractions(x: np.ndarray) -> np.ndarray:
        relu = np.vectorize(lambda n: max(n, Fraction(0)), otypes=[object])
        return relu((x.dot(g) - f) * Fraction(1, 2)) + x * 4 - relu(x)

    assert_computes((2, 3), on_wires, on_fractions, seed)


@pytest.mark.parametrize(
    ("on_wires", "on_fractions"),
    [
        (lambda x: x + 0.75, lambda x: x + Fraction(3, 4)),
        (lambda x: 0.75 + x, lambda x: x + Fraction(3, 4)),
        (lambda x: 3 * x, lambda x: 3 * x),
        (lambda x: x * np.array([2.0, -0.5, 0.0]), lambda x: x * [2, Fraction(-1, 2), 0]),
        (lambda x: np.array([1.0, 2.0, 4.0]) + x, lambda x: x + np.array([1, 2, 4])),
        (lambda x: x + x[0], lambda x: x + x[0]),
        (lambda x: x + np.ones((3, 2, 1)), lambda x: x + np.ones((3, 2, 1), int)),
        (lambda x: x - (2**53 + 1), lambda x: x - (2**53 + 1)),
    ],
)
def test_constants_stand_on_either_side_and_broadcast(on_wires, on_fractions):
    """Catches NumPy taking the array apart, another broadcast, or a rounded integer."""
    assert_computes((2, 3), on_wires, on_fractions)


def test_a_neutral_factor_is_the_same_wire():
    """Catches a value for nothing: the solver would see another variable."""
    x = begun((2, 3), np.random.default_rng(0))
    count = len(x.tracer.builder)
    assert (x * 1.0).wires.tolist() == x.wires.tolist()
    assert (x + 0.0).wires.tolist() == x.wires.tolist()
    assert len(x.tracer.builder) == count


def test_a_power_of_two_moves_the_exponent_alone():
    """Catches a multiplication, or a mantissa that grows zeros."""
    x = begun((1,), np.random.default_rng(0))
    builder = x.tracer.builder
    (wire,) = (x * 8.0).wires.tolist()
    assert builder.exponents[wire] == builder.exponents[0] + 3
    assert builder.intervals[wire] == builder.intervals[0]


def test_a_relu_of_what_is_not_negative_is_the_same_wire():
    """Catches a mask by a sign that is always 0."""
    x = begun((4,), np.random.default_rng(0)).relu()
    assert x.relu().wires.tolist() == x.wires.tolist()


def test_constant_wires_join_the_constant():
    """Catches pruned inputs that reach the solver as variables."""
    x = begun((3,), np.random.default_rng(0))
    builder = x.tracer.builder
    wires = np.array([0, builder.const(3, -2), builder.const(0)], np.int64)
    made = FixedArray(x.tracer, wires) @ exact(np.array([[1.0], [2.0], [5.0]])) + 0.25
    program = finished(made)
    assert program.operands_of(made.wires[0])[0] in (0, *program.values_of(lincomb).tolist())
    variables = {
        o
        for v in program.values_of(lincomb).tolist()
        for o in program.operands_of(v)
        if not program.is_constant(o)
    }
    assert all(program[v].operation in (input_, lincomb) for v in variables)


def test_what_is_all_constant_is_a_constant():
    """Catches a sum without any variable."""
    x = begun((1,), np.random.default_rng(0))
    zero = x * 0.0
    assert x.tracer.builder.is_constant(zero.wires[0])
    five = zero + 5.0
    assert x.tracer.builder.format(five.wires[0]) == Format(5, 5, 0)


def test_rows_of_a_product_are_blocks_and_elements_are_numbered():
    """The solver shares within a block, reports name elements: catches one group for all."""
    x = begun((2, 3), np.random.default_rng(0))
    x.tracer.builder.at = (4, -1)
    made = x @ exact(np.array([[3, 5], [7, 9], [5, 3]]))
    program = x.tracer.builder.build()
    values = made.wires.reshape(-1).tolist()
    groups = [program[v].attributes["group"] for v in values]
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert [program[v].provenance for v in values] == [(4, n) for n in range(4)]


# -- refusals ----------------------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [lambda x: x + 1.0, lambda x: x * 2.0, lambda x: x @ exact(np.eye(2)), lambda x: x.relu()],
)
def test_arithmetic_on_a_raw_input_is_refused(use):
    """Catches a number without a format that gets one by chance."""
    raw = raw_inputs((2,))
    raw.tracer.where = "relu_1 (ReLU) in net.keras"
    with pytest.raises(NeedsInputFormat) as error:
        use(raw)
    assert str(error.value) == (
        "relu_1 (ReLU) in net.keras needs the value of a model input that nothing quantizes. Give "
        "the input a format (--input-format k,i,f), or put a quantizer in front."
    )


def test_moving_a_raw_input_is_fine():
    """Catches a flatten before the first quantizer that is refused."""
    raw = raw_inputs((2, 2))
    assert raw.transpose((1, 0)).reshape(-1).wires.tolist() == [-1, -3, -2, -4]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_constants_that_are_no_numbers_are_refused(value):
    """Catches a NaN that becomes an integer."""
    with pytest.raises(NotExact):
        begun((2,), np.random.default_rng(0)) + value
