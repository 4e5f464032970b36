"""The builder: ranges and exponents of what is appended, and the columns that come out."""

from __future__ import annotations

import numpy as np
import pytest

from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, LayerName, ProgramPort, Table, verify
from hgq2rtl.ir.operations import lincomb

from .random_programs import WIDTHS, random_program


def port(*formats: str) -> ProgramPort:
    fields = tuple(Field(n, Format.parse(f)) for n, f in enumerate(formats))
    return ProgramPort("x", (len(fields),), fields)


def begun(*formats: str) -> tuple[Builder, list[int]]:
    builder = Builder([port(*formats)])
    return builder, [builder.input(0, n) for n in range(len(formats))]


def test_a_value_without_a_format_gets_its_exact_range():
    """Catches a default that wastes or loses bits."""
    builder, (x, y) = begun("s4e-1", "u3e-3")
    total = builder.add(x, y, sign=-1, shift=-2)
    assert builder.intervals[total] == (-8 * 4 - 7, 7 * 4)
    assert builder.exponents[total] == -3
    assert builder.format(total) == Format(-39, 28, -3)


@pytest.mark.parametrize(
    ("make", "exponent"),
    [
        (lambda b, x, y: b.add(x, y, shift=2), -1),
        (lambda b, x, y: b.add(x, y, shift=-2), -3),
        (lambda b, x, y: b.max(x, y, shift=-2), -3),
        (lambda b, x, y: b.min(x, y, shift=1), -1),
        (lambda b, x, y: b.mul(x, y), -4),
        (lambda b, x, y: b.slice(x, 3), 2),
        (lambda b, x, y: b.slice(x, -2), -3),
        (lambda b, x, y: b.quantize(x, 2, 1, 3), 1),
        (lambda b, x, y: b.compare(x, y), 0),
        (lambda b, x, y: b.mux(b.compare(x, y), y, x, shift=-2), -5),
        (lambda b, x, y: b.mask(y, b.compare(x, y)), -3),
        (lambda b, x, y: b.concat(y, x, shift=3), -3),
        (lambda b, x, y: b.relu(x), -1),
        (lambda b, x, y: b.abs(y), -3),
        (lambda b, x, y: b.bitwise(x, y), 0),
    ],
)
def test_a_value_without_an_exponent_keeps_its_operands_scale(make, exponent):
    """Catches a result that stands for another number than its operands say."""
    builder, (x, y) = begun("s4e-1", "u3e-3")
    assert builder.exponents[make(builder, x, y)] == exponent


def test_provenance_is_where_the_builder_stands():
    """Catches values that reports and names would give to another layer."""
    builder, (x,) = begun("s4e0")
    builder.layers.append(LayerName("dense", "QDense"))
    builder.at = (0, 7)
    v = builder.relu(x)
    program = builder.build()
    assert program[x].provenance == (-1, -1)
    assert program[v].provenance == (0, 7)


def test_an_output_port_takes_its_formats_from_its_values():
    """Catches a port that cuts or pads what drives it."""
    builder, (x, y) = begun("s4e-1", "u3e-3")
    builder.add_output_port("out", (2, 1), [y, x])
    program = verify(builder.build())
    (out,) = program.outputs
    assert (out.name, out.shape) == ("out", (2, 1))
    assert [f.format for f in out.fields] == [Format.parse("u3e-3"), Format.parse("s4e-1")]
    assert [f.element for f in out.fields] == [0, 1]


def test_a_builder_may_build_twice_and_go_on():
    """Catches a Program that changes under its owner."""
    builder, (x,) = begun("s4e0")
    first = builder.build()
    builder.relu(x)
    second = builder.build()
    assert (len(first), len(second)) == (1, 2)


def test_a_builder_like_a_program_has_its_tables_and_no_values():
    """Catches a pass that loses ports, layers or tables."""
    program = random_program(7, with_macros=False)
    builder = Builder.like(program)
    empty = builder.build()
    assert len(empty) == 0
    assert (empty.inputs, empty.outputs) == (program.inputs, program.outputs)
    assert (empty.layers, empty.tables) == (program.layers, program.tables)


@pytest.mark.parametrize("widest", WIDTHS)
def test_copies_equal_the_program_they_come_from(widest):
    """Catches a column that `copy` forgets, beyond 64 bits too."""
    program = random_program(widest, widest=widest)
    builder = Builder.like(program)
    for value in program:
        builder.copy(value, value.operands)
    assert str(builder.build()) == str(program)


def test_intervals_beyond_int64_stand_beside_the_columns():
    """Catches an interval cut to 64 bits, or an overflow while the columns are made."""
    builder = Builder()
    wide = [
        builder.const(2**70),
        builder.const(-(2**70)),
        builder.const(2**63),
        builder.const(2**63 - 1),
        builder.const(-(2**63)),
        builder.const(-(2**63) - 1),
    ]
    program = builder.build()
    assert sorted(program.big) == [0, 1, 2, 5]
    assert [program.interval(v)[0] for v in wide] == [
        2**70,
        -(2**70),
        2**63,
        2**63 - 1,
        -(2**63),
        -(2**63) - 1,
    ]
    assert program.widths().tolist() == [71, 71, 64, 63, 64, 65]


@pytest.mark.parametrize(
    "interval",
    [(-(2**70), 2**70), (2**63, 2**64 - 1), (-(2**70), -(2**65)), (0, 2**64 - 1), (2**62, 2**63)],
)
def test_columns_of_big_intervals_keep_sign_and_constness(interval):
    """Stages that glance at the columns ask for nothing else: catches a wire taken for a
    constant, or a signed one for unsigned."""
    builder = Builder([ProgramPort("x", (1,), (Field(0, Format(*interval)),))])
    v = builder.input(0, 0)
    program = builder.build()
    assert program.interval(v) == interval
    assert (program.lo[v] < program.hi[v]) and not program.is_constant(v)
    assert (program.lo[v] < 0) == (interval[0] < 0)


def test_weights_beyond_int64_are_kept():
    """Catches a coefficient cut to 64 bits."""
    builder, (x, y) = begun("s4e0", "s4e0")
    v = builder.lincomb((x, y), (2**90, -3))
    program = builder.build()
    assert program[v].weights == [2**90, -3]
    assert program.interval(v) == (-8 * 2**90 - 21, 7 * 2**90 + 24)


# -- views of a Program ------------------------------------------------------


def test_a_value_tells_its_row():
    """Catches a view that reads a neighbour's columns."""
    builder, (x, y) = begun("s4e-1", "u3e-3")
    builder.tables.append(Table(-8, np.arange(16)))
    q = builder.quantize(x, 1, 1, 2, "RND_CONV", "SAT_SYM")
    t = builder.lookup(x, 0)
    s = builder.lincomb((x, y), (3, -5), group=4)
    w = builder.add(x, y, interval=(-4, 3), wraps=True)
    program = builder.build()
    assert program[q].attributes == {
        "shift": 1,
        "k": 1,
        "bits": 2,
        "rounding": "RND_CONV",
        "overflow": "SAT_SYM",
    }
    assert program[q].operands == [x] and program[s].operands == [x, y]
    assert program[s].weights == [3, -5] and program[s].attributes == {"group": 4}
    assert [value.is_wrapping for value in program] == [False] * 5 + [True]
    assert program[t].meaning(-8) == 0 and program[t].meaning(7) == 15
    assert program[s].meaning(2, 3) == -9
    assert program[w].format == Format(-4, 3, -1)
    assert program.values_of(lincomb).tolist() == [s]
    assert program.users().tolist() == [4, 2, 0, 0, 0, 0]
    assert [value.number for value in program] == list(range(len(program)))
