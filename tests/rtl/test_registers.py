"""Registers as the schedule says: resets for masks, none for wires, ROMs, shift registers."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from hgq2rtl.errors import BadOption
from hgq2rtl.ir import parse, verify
from hgq2rtl.passes import run_passes
from hgq2rtl.rtl import CoreOptions, Rtl, emit
from hgq2rtl.rtl.copies import Copies
from hgq2rtl.rtl.pairs import find_pairs
from hgq2rtl.schedule import Schedule, ScheduleWish, schedule
from hgq2rtl.schedule.shift_registers import shift_registers
from hgq2rtl.targets import target_for
from hgq2rtl.verify import check_verilog

from ..ir.random_programs import random_mantissas
from .clocked import TABLE_BITS, clocked_program
from .netlist import cells, flip_flops
from .repeated import time_distributed

FAST = ScheduleWish(clock_ns=1.6)
CONTROLS = {"has_enable": True, "has_valid": True, "has_valid_reset": True}


@pytest.fixture(scope="module")
def clocked() -> Schedule:
    return schedule(clocked_program(), target_for(), FAST)


def text_of(rtl: Rtl) -> str:
    return "\n".join(rtl.files.values())


# -- the same numbers, whatever pauses ---------------------------------------------------


def test_the_program_has_all_that_is_special(clocked):
    """Else the tests below say nothing."""
    assert clocked.resets.sum() > 5 and clocked.is_rom is not None and clocked.is_rom.sum() == 1
    copies = Copies(clocked)
    wires = [v for v in range(len(clocked.program)) if copies.is_wire[v]]
    assert any(len(copies.all(v)) > 3 for v in wires)
    assert any(copies.all(v) and 0 not in copies.all(v) for v in wires)
    assert shift_registers(clocked, 3).bits.any()


@pytest.mark.parametrize(
    ("controls", "length"),
    [
        pytest.param(CONTROLS, None, id="paused, registers alone"),
        pytest.param(CONTROLS, 5, id="paused, shift registers"),
        pytest.param({}, None, id="registers alone", marks=pytest.mark.slow),
        pytest.param({}, 2, id="shift registers", marks=pytest.mark.slow),
    ],
)
def test_it_is_the_interpreters_in_verilog(clocked, length, controls, tmp_path):
    """Catches a register that is one too many, or that goes on, or is cleared, in a pause."""
    options = CoreOptions(shift_register_length=length, has_primitives=length == 5, **controls)
    rtl = emit(clocked, "core", options)
    inputs = random_mantissas(clocked.program, 600)
    assert check_verilog(clocked, rtl, inputs, tmp_path).mismatches == 0


@pytest.mark.parametrize("sets", [3, pytest.param(0, marks=pytest.mark.slow)])
def test_bounded_control_sets_are_the_interpreters_too(clocked, sets, tmp_path):
    when = replace(clocked, most_control_sets=sets)
    rtl = emit(when, "core", CoreOptions(has_primitives=True, **CONTROLS))
    inputs = random_mantissas(when.program, 400)
    assert check_verilog(when, rtl, inputs, tmp_path).mismatches == 0


def test_a_reset_that_ignores_the_enable_is_found(clocked, tmp_path):
    """Catches pauses in which no reset is due."""
    from hgq2rtl.errors import Mismatch

    rtl = emit(clocked, "core", CoreOptions(**CONTROLS))
    name = "core__chain.v"
    form = re.compile(r"if \(en\)\n      (if \(.*\) (\w+) <= \S+;\n      )else ")
    text, count = form.subn(r"\1else if (en) ", rtl.files[name])
    assert count > 5
    damaged = replace(rtl, files={**rtl.files, name: text})
    with pytest.raises(Mismatch):
        check_verilog(clocked, damaged, random_mantissas(clocked.program, 600), tmp_path)


# -- masks as resets ---------------------------------------------------------------------

RELU = """
layer "relu" QDense
%0 = input : s8e0
%1 = input field=1 : u1e0
%2 = mask %0, %1 when=0 : s8e0 @0[0]
%3 = row 1*%2 1*%1 : s9e0[-128,128] @0[1]
output %3
"""


def relu(sets: int | None = None) -> Schedule:
    """A mask in the first of two stages, a sum in the other."""
    wish = ScheduleWish(stages=2, most_control_sets=sets, has_input_register=False)
    when = schedule(verify(parse(RELU)), target_for(), wish)
    moved = when.stage.copy()
    moved[2] = 0
    return replace(when, stage=moved)


@pytest.mark.parametrize("when", [0, 1])
@pytest.mark.parametrize("has_enable", [False, True])
def test_a_mask_before_a_register_is_its_reset(when, has_enable):
    program = verify(parse(RELU.replace("when=0", f"when={when}")))
    made = replace(relu(), program=program)
    rtl = emit(made, "core", CoreOptions(has_enable=has_enable))
    text = rtl.files["core__relu.v"]
    enable = r"    if \(en\)\n  " if has_enable else ""
    reset = rf"    if \({'!' if when else ''}\w+\[8\]\) relu_0_v2_d1 <= 8'h00;\n"
    kept = r" +else relu_0_v2_d1 <= \w+\[7:0\];\n"
    assert re.search(rf"  always @\(posedge clk\)\n{enable}{reset}{kept}", text), text
    assert '  (* extract_reset = "yes" *)\n  reg [7:0] relu_0_v2_d1;' in text
    assert list(rtl.signals[2]) == [1]


def test_a_mask_before_a_register_costs_no_gate():
    """Catches the choice before the register."""
    gates = {}
    for sets in (None, 0):
        rtl = emit(relu(sets), "core", CoreOptions(has_enable=True, has_primitives=True))
        made = cells(rtl)
        gates[sets] = sum(
            n for cell, n in made.items() if cell.startswith("$_") and "DFF" not in cell
        )
        assert made["$_SDFFCE_PP0P_"] == (0 if sets == 0 else 8)
    assert gates[0] == gates[None] + 8 + 1


def test_a_bound_on_control_sets_keeps_masks_in_luts():
    when = relu(0)
    assert not when.resets.any() and find_pairs(Copies(when)) == {2}
    rtl = emit(when, "core", CoreOptions(has_primitives=True))
    assert list(rtl.signals[2]) == [0, 1]
    assert '(* extract_reset = "no" *)' in text_of(rtl)
    assert "core__cell__mask #(" in text_of(rtl)
    free = emit(relu(), "core", CoreOptions(has_primitives=True))
    assert not find_pairs(Copies(relu())) and "cell__mask" not in text_of(free)


# -- registers are those of the schedule ---------------------------------------------------


@pytest.mark.parametrize(("seed", "stages"), [(0, 4), (1, 6)])
@pytest.mark.parametrize("has_primitives", [False, True])
def test_the_netlist_has_the_registers_of_the_schedule(seed, stages, has_primitives):
    """Catches a copy of a wire that is kept in registers beside what it is wired from."""
    program = run_passes(time_distributed(3, seed=seed))
    for has_input in (False, True):
        wish = ScheduleWish(stages=stages, has_input_register=has_input)
        when = schedule(program, target_for(), wish)
        assert when.resets.any()
        rtl = emit(when, "core", CoreOptions(has_primitives=has_primitives))
        assert flip_flops(rtl) == when.register_bits


def test_a_netlist_has_no_register_beyond_the_schedule(clocked):
    """It may have fewer: bits that stand at two outputs, or are equal or constant for reasons of
    arithmetic (the inverse of a bit, a top bit that a sum cannot reach)."""
    for has_enable in (False, True):
        rtl = emit(clocked, "core", CoreOptions(has_enable=has_enable))
        assert clocked.register_bits - 8 <= flip_flops(rtl) <= clocked.register_bits


def test_valid_adds_a_register_a_cycle():
    when = relu()
    rtl = emit(when, "core", CoreOptions(has_valid=True))
    assert flip_flops(rtl) == when.register_bits + when.latency_cycles


def test_a_wire_has_no_register(clocked):
    """Catches a slice that is delayed beside its operand."""
    text = text_of(emit(clocked, "core"))
    registers = set(re.findall(r"^  reg (?:\[[\d:]+\] )?(\w+)", text, re.MULTILINE))
    rtl = emit(clocked, "core")
    for v in range(len(clocked.program)):
        if clocked.is_wire[v]:
            assert not registers & set(rtl.signals.get(v, {}).values())


# -- tables with a register ---------------------------------------------------------------


def test_a_slow_table_is_read_at_the_clock(clocked):
    (table,) = [v for v in range(len(clocked.program)) if clocked.is_rom[v]]
    rtl = emit(clocked, "core")
    assert min(rtl.signals[table]) == 1
    text = rtl.files["core__exp.v"]
    for attribute in ('rom_style = "block"', 'romstyle = "M20K"', 'ram_style = "block"'):
        assert f"(* {attribute} *)" in text
    memory = rf"table_{table} \[{(1 << TABLE_BITS) - 1}:0\];"
    assert re.search(memory, text)
    assert re.search(rf"always @\(posedge clk\) begin\n\s+_\d+_ <= table_{table}\[", text)


# -- shift registers -----------------------------------------------------------------------


def test_without_a_wish_every_register_is_one(clocked):
    """A tool that makes shift registers of them finds none of the figures that were reported."""
    rtl = emit(clocked, "core")
    assert not shift_registers(clocked, None).bits.any()
    for name, text in rtl.files.items():
        assert text.startswith('(* shreg_extract = "no" *)\n') == ("posedge" in text), name
    assert "srl_style" not in text_of(rtl)


@pytest.mark.parametrize("length", [2, 3, 8])
def test_rows_of_a_length_are_shift_registers(clocked, length):
    """Catches shorter rows, and a figure that is not of what is built."""
    rtl = emit(clocked, "core", CoreOptions(shift_register_length=length))
    text = text_of(rtl)
    assert '(* shreg_extract = "yes", srl_style = "srl" *)' in rtl.files["core__shift__register.v"]
    instances = re.findall(
        r"core__shift__register #\(\s*\.DEPTH\(\S*d(\w+)\),\s*\.WIDTH\(\S*d(\w+)\)", text
    )
    depths = [int(depth) for depth, _ in instances]
    assert depths and min(depths) >= length
    counted = shift_registers(clocked, length)
    built = sum(int(depth) * int(width) for depth, width in instances)
    assert 0.8 * built <= counted.bits.sum() <= built
    assert counted.luts.sum() <= sum(int(width) for _, width in instances)
    assert (counted.bits <= clocked.register_bits_of).all()


def test_a_shift_register_of_one_is_refused(clocked):
    with pytest.raises(BadOption) as refusal:
        emit(clocked, "core", CoreOptions(shift_register_length=1))
    assert str(refusal.value) == (
        "shift registers of 1 registers: give a length of at least 2, or leave the option out"
    )
