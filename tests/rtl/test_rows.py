"""Rows as plain operators and as cells of primitives: both are the interpreter's, to the bit."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, LayerName, Program, ProgramPort, verify
from hgq2rtl.ir.rows import CONSTANT, ONE, ZERO, Operand, hardware_constant, plan_row
from hgq2rtl.rtl import CoreOptions, Rtl, emit
from hgq2rtl.schedule import Schedule, ScheduleWish, schedule
from hgq2rtl.targets import target_for
from hgq2rtl.verify import check_verilog

from ..ir.random_programs import random_mantissas
from ..journeys.outside_yosys import cell_models, run, yosys

COMBINATIONAL = ScheduleWish(is_combinational=True)
PRIMITIVES = CoreOptions(has_primitives=True)
FORMATS = [
    Format.of_width(w, s) for w, s in ((4, True), (3, False), (6, True), (5, False), (1, False))
]


def scheduled(program: Program, wish: ScheduleWish = COMBINATIONAL) -> Schedule:
    return schedule(program, target_for(), wish)


def random_rows(seed: int, count: int = 40) -> Program:
    """Rows of one to three operands, constants, carries, cuts at the top; of masks, choices too."""
    r = random.Random(seed)
    port = ProgramPort("x", (len(FORMATS),), tuple(Field(n, f) for n, f in enumerate(FORMATS)))
    builder = Builder([port], [LayerName("dense", "QDense")])
    inputs = [builder.input(0, n) for n in range(len(FORMATS))]
    *values, bit = inputs
    builder.at = (0, 0)
    values += [builder.mask(values[0], bit, when=n) for n in (0, 1)]
    values += [builder.mux(bit, values[3], values[1], shift=1)]
    formats = {v: FORMATS[n] for n, v in enumerate(inputs)}
    formats |= {values[4]: FORMATS[0], values[5]: FORMATS[0], values[6]: FORMATS[3]}
    results = []
    for n in range(count):
        builder.at = (0, n)
        operands = [r.choice(values) for _ in range(r.choice((1, 2, 2, 3, 3)))]
        weights = [r.choice((-1, 1)) << r.randrange(4) for _ in operands]
        if n % 4 == 0:  # two operands from the same position on, and a bit there
            operands = [*r.sample(values[:-3], 2), bit]
            weights = [r.choice((-1, 1)), r.choice((-1, 1)), 1]
        results.append(_row(builder, r, operands, weights, formats))
    builder.add_output_port("y", (count,), results)
    return verify(builder.build())


def _row(
    builder: Builder, r: random.Random, operands: list[int], weights: list[int], formats: dict
) -> int:
    """A row whose constant leaves at most three bits to a position."""
    terms = [
        Operand(n, formats[v].width, formats[v].is_signed, abs(w).bit_length() - 1, w < 0)
        for n, (v, w) in enumerate(zip(operands, weights, strict=True))
    ]
    wide = 30
    constant = -hardware_constant(terms, wide) % (1 << wide)
    constant -= (constant >> (wide - 1)) << wide
    if len(operands) < 3:
        constant += r.choice((0, 1, r.randint(-40, 40)))
    if constant:
        operands, weights = [*operands, builder.const(constant)], [*weights, 1]
    if len(operands) < 3 and r.random() < 0.3:
        bits = r.randint(1, 6)
        return builder.row(operands, weights, interval=(0, (1 << bits) - 1), wraps=True)
    return builder.row(operands, weights)


def test_the_random_rows_are_of_every_kind():
    """Catches a proof below that never sees a compressed position, a carry in or a carry out."""
    plans = [
        plan_row(value)
        for seed in (0, 1)
        for value in random_rows(seed)
        if value.operation.name == "row"
    ]
    assert {any(p.compressed) for p in plans} == {True, False}
    assert {ZERO, ONE} < {p.carry_in for p in plans}
    assert any(p.carry_in.operand != CONSTANT for p in plans)
    assert {p.has_carry_out for p in plans} == {True, False}
    assert any(p.low for p in plans) and any(not p.s for p in plans)
    assert any(
        bit.is_inverted and not c for p in plans for bit, c in zip(p.d, p.compressed, strict=True)
    )


@pytest.mark.parametrize("options", [CoreOptions(), PRIMITIVES], ids=["operators", "cells"])
@pytest.mark.parametrize("seed", [0, 1])
def test_rows_are_the_interpreters_in_verilog(options, seed, tmp_path):
    """Catches a bit in the wrong place, an inversion that is lost, a sum that is cut."""
    when = scheduled(random_rows(seed))
    inputs = random_mantissas(when.program, 500)
    assert check_verilog(when, emit(when, "core", options), inputs, tmp_path).samples == 500


def prove(gold: Rtl, gate: Rtl, folder: Path) -> None:
    """That primitives on the vendor's cell models give what operators give, for every input."""
    for rtl in (gold, gate):
        for name, text in rtl.files.items():
            (folder / name).write_text(text)
    (folder / "models.v").write_text(cell_models(yosys()).read_text())
    (x,), (y,) = gold.ports.inputs, gold.ports.outputs
    (folder / "both.v").write_text(
        f"module both(input [{x.width - 1}:0] x, output same);\n"
        f"  wire [{y.width - 1}:0] one, other;\n"
        "  gold gold (.x(x), .y(one));\n"
        "  gate gate (.x(x), .y(other));\n"
        "  assign same = one == other;\n"
        "endmodule\n"
    )
    (folder / "prove.ys").write_text(
        f"read_verilog models.v {' '.join([*gold.files, *gate.files])} both.v\n"
        "hierarchy -check -top both\n"
        "proc; flatten; opt_clean\n"
        "sat -verify -prove same 1 both\n"
    )
    run(*yosys(), "-q", "prove.ys", cwd=folder)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_primitives_of_rows_are_their_operators(seed, tmp_path):
    """By proof: catches a cell that is wired, inverted or parametrised otherwise than it says."""
    when = scheduled(random_rows(seed))
    gate = emit(when, "gate", PRIMITIVES)
    cells = ("chain", "row", "row_of_three", "mask", "choose")
    assert {f"gate__cell__{cell}.v" for cell in cells} <= set(gate.files)
    prove(emit(when, "gold"), gate, tmp_path)


def test_a_row_that_is_built_otherwise_fails_the_proof(tmp_path):
    """Catches a proof that holds whatever the cells do."""
    when = scheduled(random_rows(0))
    gate = emit(when, "gate", PRIMITIVES)
    layer = "gate__dense.v"
    broken = gate.files[layer].replace(".ci(1'h1)", ".ci(1'h0)", 1)
    assert broken != gate.files[layer]
    gate.files[layer] = broken
    with pytest.raises(AssertionError, match="proof did fail"):
        prove(emit(when, "gold"), gate, tmp_path)
