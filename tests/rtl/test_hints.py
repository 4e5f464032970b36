"""What synthesis tools are told: where products and large tables are built."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hgq2rtl.errors import BadOption
from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, LayerName, Program, ProgramPort, Table, parse, verify
from hgq2rtl.rtl import CoreOptions, Rtl, emit
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import target_for
from hgq2rtl.verify import check_verilog

from ..ir.random_programs import random_mantissas

PRODUCTS = verify(
    parse("""
    layer "scores" QEinsum
    layer "gate" QMultiply
    %0 = input : s4e0
    %1 = input : s5e0
    %2 = mul %0, %1 : s9e0[-120,128] @0[0]
    %3 = mul %1, %1 : s10e0[-240,256] @1[0]
    %4 = add %2, %3 : s10e0[-360,384] @1[1]
    %5 = mul %0, %0 : s8e0[-56,64]
    output %4
    output %5
    """)
)
PIPELINED = ScheduleWish(stages=3)


def emitted(program: Program, options: CoreOptions | None = None) -> Rtl:
    return emit(schedule(program, target_for(), PIPELINED), "core", options)


def attributes(rtl: Rtl) -> dict[str, dict[str, str]]:
    """By name of a wire or memory, of all modules."""
    found = {}
    for text in rtl.files.values():
        for block, name in re.findall(
            r"((?:^  \(\* .* \*\)\n)+)  (?:wire|reg|output) (?:\[[\d:]+\] )?(\w+)",
            text,
            re.MULTILINE,
        ):
            found[name] = dict(re.findall(r'\(\* (\w+) = "(\w+)" \*\)', block))
    return found


def test_without_a_word_the_tool_chooses():
    """But for registers, which stay registers."""
    assert attributes(emitted(PRODUCTS)) == {}
    said = re.findall(r"\(\*.*\*\)", "".join(emitted(PRODUCTS).files.values()))
    assert set(said) == {'(* shreg_extract = "no" *)'}


def test_a_layers_products_are_kept_where_it_says():
    """Catches an attribute on sums, on another layer, or only for one vendor."""
    lut, dsp = {"use_dsp": "no", "multstyle": "logic"}, {"use_dsp": "yes", "multstyle": "dsp"}
    one = emitted(PRODUCTS, CoreOptions(multipliers={"scores": "lut"}))
    assert attributes(one) == {"scores_0_v2": lut}
    both = emitted(PRODUCTS, CoreOptions(multipliers={"": "dsp", "scores": "lut"}))
    assert attributes(both) == {"scores_0_v2": lut, "gate_0_v3": dsp, "logic__0_v5": dsp}


def test_products_in_repeated_blocks_say_it_too():
    """Catches a hint that is lost where one module serves many positions."""
    lines = ['layer "heads" QEinsum', *(f"%{n} = input : s4e0" for n in range(4))]
    number, ends = 4, []
    for block, (a, b) in enumerate(((0, 1), (2, 3))):
        last = a
        for _ in range(9):
            place = f"@0[{block}] #{block}"
            lines.append(f"%{number} = mul %{last}, %{b} wrap : s6e0 {place}")
            lines.append(f"%{number + 1} = add %{number}, %{a} wrap : s6e0 {place}")
            last, number = number + 1, number + 2
        ends.append(f"output %{last}")
    program = verify(parse("\n".join([*lines, *ends])))
    rtl = emitted(program, CoreOptions(multipliers={"": "dsp"}))
    assert "core__heads__block_1.v" in rtl.files
    found = attributes(rtl)
    assert set(found) == {f"v{n}" for n in range(0, 18, 2)}
    assert all(each["use_dsp"] == "yes" for each in found.values())


def test_a_combinational_core_takes_hints():
    """They need no clock."""
    when = schedule(PRODUCTS, target_for(), ScheduleWish(is_combinational=True))
    assert attributes(emit(when, "core", CoreOptions(multipliers={"": "lut"})))


def test_hints_change_no_bit(tmp_path):
    when = schedule(PRODUCTS, target_for(), PIPELINED)
    rtl = emit(when, "core", CoreOptions(multipliers={"": "dsp"}))
    inputs = random_mantissas(PRODUCTS, 200)
    assert check_verilog(when, rtl, inputs, tmp_path).mismatches == 0


@pytest.mark.parametrize(
    ("multipliers", "message"),
    [
        (
            {"scores": "fabric"},
            "multipliers of layer 'scores': 'fabric' is no place for them. Give lut or dsp.",
        ),
        ({"": ""}, "multipliers of all layers: '' is no place for them. Give lut or dsp."),
        (
            {"score": "lut"},
            "multipliers of layer 'score': there is no such layer. Layers with products of two "
            "variables: gate, scores.",
        ),
    ],
)
def test_unknown_words_and_layers_are_refused(multipliers, message):
    with pytest.raises(BadOption) as refusal:
        emitted(PRODUCTS, CoreOptions(multipliers=multipliers))
    assert str(refusal.value) == message


# -- tables ----------------------------------------------------------------------------


def table_of(address_bits: int) -> Program:
    format = Format.of_width(address_bits, True)
    port = ProgramPort("x", (1,), (Field(0, format),))
    contents = np.arange(1 << address_bits) * 7 % 61
    builder = Builder([port], [LayerName("exp", "QUnaryFunctionLUT")], [Table(format.lo, contents)])
    x = builder.input(0, 0)
    builder.at = (0, 0)
    builder.add_output_port("y", (1,), [builder.lookup(x, 0)])
    return verify(builder.build())


@pytest.mark.parametrize(
    ("bits", "limit", "is_rom"), [(8, 8, False), (9, 8, True), (9, 9, False), (10, 9, True)]
)
def test_a_table_beyond_a_cascade_is_a_rom(bits, limit, is_rom):
    """Catches a table that a tool wants to put into block RAM, which needs a clock to be read."""
    found = attributes(emitted(table_of(bits), CoreOptions(cascaded_table_bits=limit)))
    rom = {"rom_style": "distributed", "romstyle": "logic", "ram_style": "registers"}
    assert list(found.values()) == ([rom] if is_rom else [])


def test_a_rom_reads_as_the_interpreter(tmp_path):
    when = schedule(table_of(11), target_for(), PIPELINED)
    inputs = random_mantissas(when.program, 400)
    assert check_verilog(when, emit(when, "core"), inputs, tmp_path).mismatches == 0


def test_equal_tables_of_many_elements_are_one_module():
    """Catches the same thousand words once for each element of a layer."""
    format = Format.of_width(6, False)
    port = ProgramPort("x", (9,), tuple(Field(n, format) for n in range(9)))
    table = Table(0, np.arange(64)[::-1].copy())
    builder = Builder([port], [LayerName("exp", "QUnaryFunctionLUT")], [table])
    x = [builder.input(0, n) for n in range(9)]
    results = []
    for n, each in enumerate(x):
        builder.at = (0, n)
        results.append(builder.lookup(each, 0))
    builder.add_output_port("y", (9,), results)
    rtl = emitted(verify(builder.build()))
    text = "".join(rtl.files.values())
    assert text.count("initial begin") == 1
    assert len(re.findall(r"^  core__exp__block_1 u_exp_\d \(", text, re.MULTILINE)) == 9
