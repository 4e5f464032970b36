"""Wires, adders and registers of a Program that is small enough to count by hand."""

import pytest

from hgq2rtl.estimate import Counts, counts_by_layer, total
from hgq2rtl.ir import parse, verify
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import target_for

TEXT = """
port input "x" (2) = 0:u4e0:RND:WRAP:1.0 1:u4e0:RND:WRAP:1.0
port output "y" (1) = 0:u6e0:EXACT:EXACT:1.0
layer "inputs" InputLayer
layer "first" QDense
layer "second" QDense
layer "outputs" Output
%0 = input field=0 : u4e0 @0[0]
%1 = input field=1 : u4e0 @0[1]
%2 = add %0, %1 : u5e0[0,30] @1[0]
%3 = const : u2e0[3,3] @2[0]
%4 = add %2, %3 : u6e0[3,33] @2[0]
output %4 field=0 @3[0]
"""


def counts(**wish):
    timing = schedule(verify(parse(TEXT)), target_for(), ScheduleWish(**wish))
    return timing, counts_by_layer(timing, target_for())


def test_operations_wires_and_adders():
    _, made = counts(is_combinational=True)
    assert {n: (c.operations, c.wires, c.adders) for n, c in made.items()} == {
        0: (2, 8, 0),
        1: (1, 5, 1),
        2: (1, 6, 1),
        3: (0, 0, 0),
    }
    assert all(c.register_bits == 0 for c in made.values())
    assert 0 < made[1].adder_bits <= 5 and 0 < made[1].luts <= 5


@pytest.mark.parametrize(
    ("wish", "registers"),
    [
        ({"stages": 1}, {0: 8, 1: 0, 2: 0, 3: 6}),
        ({"stages": 1, "has_input_register": False}, {0: 0, 1: 0, 2: 0, 3: 6}),
        ({"stages": 1, "has_output_register": False}, {0: 8, 1: 0, 2: 0, 3: 0}),
    ],
)
def test_registers_of_the_ports_belong_to_inputs_and_outputs(wish, registers):
    timing, made = counts(**wish)
    assert {n: c.register_bits for n, c in made.items()} == registers
    assert sum(registers.values()) == timing.register_bits


@pytest.mark.parametrize("stages", [2, 3, 5])
def test_registers_between_stages_belong_to_the_producer(stages):
    timing, made = counts(stages=stages)
    first, second = (int(timing.stage[v]) for v in (2, 4))
    assert {n: c.register_bits for n, c in made.items()} == {
        0: 8 + 8 * first,
        1: 5 * (second - first),
        2: 6 * (stages - 1 - second),
        3: 6,
    }


def test_rows_are_counted_bit_by_bit():
    """Two 4-bit numbers, one subtracted two places up: the overlap, what passes inverted."""
    program = verify(
        parse("""
        %0 = input : u4e0
        %1 = input : u4e0
        %2 = const : u6e0[60,60]
        %3 = row 1*%0 -4*%1 1*%2 : u7e0[0,75]
        output %3
        """)
    )
    made = counts_by_layer(schedule(program, target_for()), target_for())[-1]
    assert (made.luts, made.inverters, made.carry_positions, made.adders) == (2, 2, 4, 1)


def test_the_total_is_the_sum():
    _, made = counts(stages=2)
    whole = total(list(made.values()))
    assert (whole.operations, whole.wires, whole.adders) == (4, 19, 2)
    assert total([]) == Counts()
