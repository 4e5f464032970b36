"""Minifloats on wires: the integers of ``fixed.Minifloat`` for every mantissa of the wire."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers

from hgq2rtl.errors import NotExact
from hgq2rtl.fixed import Format, Minifloat, exact
from hgq2rtl.frontends.graph import MinifloatQuantizer
from hgq2rtl.ir import Builder, Field, Program, ProgramPort, verify
from hgq2rtl.ir.interpreter import evaluate
from hgq2rtl.lowering.fixed_array import FixedArray
from hgq2rtl.lowering.minifloat import quantize_minifloat, quantize_minifloats
from hgq2rtl.lowering.tracer import Tracer
from hgq2rtl.passes import run_passes

SEEDED = settings(derandomize=True, deadline=None, max_examples=150)


def program_of(format: Format, number: Minifloat) -> Program:
    builder = Builder([ProgramPort("x", (1,), (Field(0, format),))])
    made = quantize_minifloat(builder, builder.input(0, 0), number)
    builder.add_output_port("y", (1,), [made])
    return verify(builder.build())


def assert_quantizes(program: Program, number: Minifloat, mantissas: list[int]) -> None:
    x = program.inputs[0].fields[0].format
    y = program.outputs[0].fields[0].format
    given = np.array(mantissas, object)[:, None]
    (got,) = evaluate(program, [given])
    wanted = [number.quantize(m, x.exponent) for m in mantissas]
    finest = min(y.exponent, number.exponent)
    assert [n << (y.exponent - finest) for n in got[:, 0].tolist()] == [
        n << (number.exponent - finest) for n in wanted
    ]


@pytest.mark.parametrize("format", ["s9e-6", "u9e-5", "s7e-1", "u6e2", "s10e-9[-300,17]", "s2e-3"])
@pytest.mark.parametrize("e", range(4))
@pytest.mark.parametrize("m", [-1, 0, 1, 2, 4])
def test_every_mantissa_of_a_small_wire(m, e, format):
    """Ties, ends of binades and saturation: catches any choice that is one off."""
    x = Format.parse(format)
    for e0 in (-3, 0, 2):
        number = Minifloat(m, e, e0)
        assert_quantizes(program_of(x, number), number, list(range(x.lo, x.hi + 1)))


@SEEDED
@given(
    lo=integers(-(2**70), 2**70),
    size=integers(1, 2**71),
    exponent=integers(-40, 10),
    m=integers(-1, 12),
    e=integers(-1, 6),
    e0=integers(-16, 16),
    seed=integers(0, 2**31),
)
def test_wires_of_any_width(lo, size, exponent, m, e, e0, seed):
    """Catches a step that fits only small integers."""
    x, number = Format(lo, lo + size, exponent), Minifloat(m, e, e0)
    rng = np.random.default_rng(seed)
    powers = [s * 2**p + d for p in range(70) for s in (-1, 1) for d in (-1, 0, 1)]
    scattered = [lo + int(rng.random() * size) for _ in range(50)]
    mantissas = [n for n in (x.lo, x.hi, *powers, *scattered) if n in x]
    assert_quantizes(program_of(x, number), number, mantissas)


@pytest.mark.parametrize("m", [-1, 0, 3])
def test_nothing_changes_on_the_way_to_hardware(m):
    """Catches an interval that the passes believe and that is too narrow."""
    x, number = Format.parse("s10e-7"), Minifloat(m, 3, 0)
    program = run_passes(program_of(x, number))
    assert_quantizes(program, number, list(range(x.lo, x.hi + 1)))


def test_a_constant_wire_becomes_a_constant():
    builder = Builder()
    number = Minifloat(2, 3, 0)
    made = quantize_minifloat(builder, builder.const(-300, -5), number)
    assert builder.is_constant(made)
    assert str(builder.format(made)) == f"s10e-5[{-10 * 32},{-10 * 32}]"


def test_binades_that_round_nothing_cost_nothing():
    """A wire of few bits has at most one rounding a binade: catches a chain over all of them."""
    program = program_of(Format.parse("u5e0"), Minifloat(2, 6, 0))
    words = [value.operation.name for value in program]
    # 31 needs five bits, three of them are kept: binades 3 and 4 round, the rest is exact.
    assert words.count("quantize") == 2
    assert words.count("mux") == 2


# -- arrays of wires -----------------------------------------------------------------


def array_of(format: str) -> FixedArray:
    builder = Builder(
        [ProgramPort("x", (2,), tuple(Field(n, Format.parse(format)) for n in (0, 1)))]
    )
    return FixedArray(Tracer(builder), np.array([builder.input(0, 0), builder.input(0, 1)]))


def outputs(y: FixedArray, mantissas: list[int]) -> list[list[float]]:
    builder = y.tracer.builder
    builder.add_output_port("y", y.shape, y.wires.tolist())
    (got,) = evaluate(verify(builder.build()), [np.array(mantissas)[:, None].repeat(2, axis=1)])
    exponents = [builder.exponents[wire] for wire in y.wires.tolist()]
    return np.ldexp(got.astype(np.float64), exponents).tolist()


def quantizer(**options: float) -> MinifloatQuantizer:
    m, e, e0 = np.array([2, 1]), np.array([3]), np.array([0, 1])
    return MinifloatQuantizer(m, e, e0, **options)


def wanted(x: float) -> list[float]:
    each = [Minifloat(2, 3, 0), Minifloat(1, 3, 1)]
    return [float(np.ldexp(n.quantize(*exact_pair(x)), n.exponent)) for n in each]


def exact_pair(x: float) -> tuple[int, int]:
    number = exact(x)
    return int(number.mantissa[()]), int(number.exponent[()])


@pytest.mark.parametrize("scaler", [1.0, 4.0, -0.5])
def test_formats_and_scaler_of_an_array(scaler):
    x = array_of("s8e-4")
    y = quantize_minifloats(x, quantizer(scaler=scaler), "here")
    mantissas = list(range(-128, 128))
    expected = [[scaler * n for n in wanted(m / 16 / scaler)] for m in mantissas]
    assert outputs(y, mantissas) == expected


def test_a_function_becomes_a_table_of_minifloats():
    """Also where it is infinite, which saturates."""
    x = array_of("s6e-2")
    y = quantize_minifloats(x.apply(lambda x: 1 / x), quantizer(), "here")
    mantissas = [m for m in range(-32, 32) if m]
    expected = [wanted(float(np.float32(1) / np.float32(m / 4))) for m in mantissas]
    assert outputs(y, [*mantissas, 0]) == [*expected, [14.0, 24.0]]


def test_a_scaler_that_divides_no_binary_number_is_refused():
    with pytest.raises(NotExact, match="needs the exact value of a division by 3"):
        quantize_minifloats(array_of("s6e0"), quantizer(scaler=3.0), "here")
