"""Delays: what costs takes time, more of it takes longer, and each family says where from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hgq2rtl.analyses import Delays, delays
from hgq2rtl.analyses.delay import Cells
from hgq2rtl.analyses.fan_out import fan_out
from hgq2rtl.ir import Program, parse, verify
from hgq2rtl.targets import target_for

PARTS = ["xcvu13p", "xc7a100t", "xcvc1902", "AGFB014R24A2E2V", "LFE5U-85F", "generic"]

EVERY_OPERATION = """
    table 0: 0 1 3 2 5 7 6 4
    %0 = input field=0 : s8e0
    %1 = input field=1 : s8e0
    %2 = input field=2 : u3e0
    %3 = add %0, %1 : s9e0
    %4 = row 1*%0 1*%1 : s9e0
    %5 = compare %0, %1 : u1e0
    %6 = mask %3, %5 : s9e0
    %7 = mux %5, %0, %1 : s8e0
    %8 = bitwise %0, %1 : s8e0
    %9 = mul %0, %1 : s16e0
    %10 = lookup %2 table=0 : u3e0
    output %6 field=0
    output %7 field=1
    output %8 field=2
    output %9 field=3
    output %10 field=4
    output %4 field=5
"""


def timed(text: str, part: str = "xcvu13p") -> tuple[Program, Delays]:
    program = verify(parse(text))
    return program, delays(program, target_for(part))


def row_ns(width: int, terms: int = 2, part: str = "xcvu13p") -> float:
    inputs = "\n".join(f"%{n} = input field={n} : u{width}e0" for n in range(terms))
    of = " ".join(f"1*%{n}" for n in range(terms))
    program, times = timed(f"{inputs}\n%{terms} = row {of} : u{width + 2}e0\noutput %{terms}", part)
    return float(times.logic_ns[terms])


def net_ns(readers: int, part: str = "xcvu13p") -> float:
    """The net of an input that so many tables of one LUT read."""
    reads = "\n".join(f"%{n + 1} = bitwise %0, %0 function=and : u4e0" for n in range(readers))
    outputs = "\n".join(f"output %{n + 1} field={n}" for n in range(readers))
    return float(timed(f"%0 = input : u4e0\n{reads}\n{outputs}", part)[1].net_ns[0])


@pytest.mark.parametrize("part", PARTS)
def test_whatever_has_cells_takes_time(part):
    """Catches an operation that is booked at nothing: a constant added, a relu, a net."""
    program, times = timed(EVERY_OPERATION, part)
    made = [v.number for v in program if v.operation.name != "output"]
    with_logic = [v for v in made if program[v].operation.name != "input"]
    assert (times.logic_ns[with_logic] > 0).all()
    assert (times.net_ns[made] > 0).all()
    assert min(times.clock_to_out_ns, times.setup_ns) > 0


@pytest.mark.parametrize("part", PARTS)
def test_a_constant_added_takes_an_adder(part):
    """Catches biases and rounding constants booked at nothing."""
    given = "%0 = input : u8e0\n%1 = const : u6e0[37,37]\n%2 = row 1*%0 1*%1 : u9e0\noutput %2"
    _, times = timed(given, part)
    assert times.logic_ns[2] == pytest.approx(row_ns(8, part=part), rel=0.15)


@pytest.mark.parametrize("part", [*PARTS, "levels"])
def test_wires_take_none(part):
    """Catches a net that is charged twice, once to a value and once to a slice of it."""
    text = """
        %0 = input field=0 : u8e0
        %1 = slice %0 low=3 : u5e0
        %2 = concat %1, %0 shift=5 : u13e0
        %3 = const : u3e0[5,5]
        output %2
    """
    _, times = timed(text, part)
    assert not times.logic_ns.any()
    assert not times.net_ns[1:].any()


@pytest.mark.parametrize("part", PARTS)
def test_a_wider_row_takes_longer(part):
    widths = [row_ns(width, part=part) for width in (4, 8, 16, 32, 48)]
    assert all(narrow < wide for narrow, wide in zip(widths, widths[1:], strict=False))


@pytest.mark.parametrize("part", PARTS)
def test_a_row_of_three_takes_a_level_and_a_net_more(part):
    cells = Cells(target_for(part), 0)
    more = row_ns(8, terms=3, part=part) - row_ns(8, part=part)
    assert more > min(cells.lut, cells.carry_chain(8)) + target_for(part).delay_ns["net"] / 2


@pytest.mark.parametrize("part", PARTS)
def test_more_readers_make_a_slower_net_but_not_in_proportion(part):
    """Catches a net without load, and one that no tool would leave: drivers are replicated."""
    one, eight, sixty_four = (net_ns(readers, part) for readers in (1, 8, 64))
    assert one < eight < sixty_four < 8 * eight
    assert sixty_four - eight < 2 * (eight - one)


@pytest.mark.parametrize("part", PARTS)
def test_nets_grow_with_the_design(part):
    target = target_for(part)
    nets = [Cells(target, luts).local_net for luts in (0, 1_000, 10_000, 100_000)]
    assert all(small < large for small, large in zip(nets, nets[1:], strict=False))


@pytest.mark.parametrize("part", PARTS)
def test_a_larger_table_is_never_the_faster_one(part):
    times = []
    for bits in range(1, 15):
        contents = " ".join(str(n % 3) for n in range(1 << bits))
        text = f"table 0: {contents}\n%0 = input : u{bits}e0\n%1 = lookup %0 table=0 : u2e0\n"
        times.append(timed(text + "output %1", part)[1].logic_ns[1])
    assert times == sorted(times)
    assert times[0] == times[target_for(part).lut_inputs - 1] == Cells(target_for(part), 0).lut


@pytest.mark.parametrize("part", PARTS)
def test_a_mask_has_time_for_the_reset_that_it_may_become(part):
    _, times = timed(EVERY_OPERATION, part)
    delay = target_for(part).delay_ns
    assert times.logic_ns[6] + times.setup_ns >= delay["reset_setup"]
    assert times.logic_ns[6] >= delay["lut"]


def test_loads_are_seen_through_wires():
    """Catches a sign bit that drives eight masks through a slice, and counts as one load."""
    text = """
        %0 = input field=0 : s8e0
        %1 = slice %0 low=7 wrap : u1e0
        %2 = mask %0, %1 when=0 : s8e0
        output %2
    """
    program = verify(parse(text))
    # Its top bit: a mask's position, and the four LUTs that mask two positions each.
    assert fan_out(program, target_for()).tolist()[:3] == [5, 4, 1]


def test_halves_of_a_value_are_not_one_load():
    """Catches readers of different bits added up."""
    text = """
        %0 = input field=0 : u8e0
        %1 = slice %0 low=4 : u4e0
        %2 = slice %0 wrap : u4e0
        %3 = bitwise %1, %2 function=and : u4e0
        output %3
    """
    assert fan_out(verify(parse(text)), target_for())[0] == 1


def test_published_periods_come_out():
    """Two sums and a relu on xcvu13p-2 (arXiv 2508.15468), 36,000 and 296,000 LUTs."""
    target = target_for("xcvu13p-flga2577-2-e")
    for luts, period in ((36_000, 2.6), (296_000, 4.92)):
        cells, delay = Cells(target, luts), target.delay_ns
        logic = 2 * cells.carry_chain(12) + cells.mask
        nets = 3 * float(cells.nets(np.array(4)))
        total = delay["clock_to_out"] + logic + nets + delay["setup"]
        assert total == pytest.approx(period, rel=0.08)


def test_a_small_design_reaches_a_nanosecond():
    """A sum of ten bits between registers, in a design of 1,000 LUTs."""
    cells = Cells(target_for(), 1_000)
    assert 0.5 < cells.carry_chain(10) + float(cells.nets(np.array(2))) < 0.8


def test_levels_count_levels():
    _, times = timed(EVERY_OPERATION, "levels")
    assert times.logic_ns[[3, 4, 5, 6, 7, 8, 10]].tolist() == [1, 1, 2, 1, 1, 1, 1]
    assert not times.net_ns.any() and times.clock_to_out_ns == times.setup_ns == 0


def test_a_faster_grade_scales_all_of_it():
    text, slow, fast = EVERY_OPERATION, target_for("xcvu13p-1"), target_for("xcvu13p-3")
    program = verify(parse(text))
    ratio = fast.delay_ns["lut"] / slow.delay_ns["lut"]
    for name in ("logic_ns", "net_ns"):
        of_slow, of_fast = (getattr(delays(program, t), name) for t in (slow, fast))
        assert of_fast == pytest.approx(of_slow * ratio, rel=1e-3)


def test_nothing_else_than_its_figures_makes_a_family():
    """Catches a family that is asked for by name."""
    target = target_for()
    program = verify(parse(EVERY_OPERATION))
    renamed = replace(target, part="x", family="y")
    assert (delays(program, renamed).logic_ns == delays(program, target).logic_ns).all()
