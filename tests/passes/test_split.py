"""split: what alone exceeds the clock becomes several that do not, of the same meaning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from hgq2rtl.analyses import delays
from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, Program, ProgramPort, Table, parse, verify
from hgq2rtl.ir.operations import add, bitwise, compare, concat, lookup, mask, mul, mux, row
from hgq2rtl.ir.rows import CONSTANT, plan_row
from hgq2rtl.passes import split_slow_operations
from hgq2rtl.rtl import CoreOptions, emit
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import Target, target_for
from hgq2rtl.verify import check_verilog
from tests.ir.random_programs import random_mantissas, random_program

from ..schedule.one_ns import ONE_NS
from .rewrites import assert_keeps, assert_rewrites, assert_same_outputs

A_BIT_A_NS = replace(
    ONE_NS,
    primitives=True,
    delay_ns={
        **dict.fromkeys(ONE_NS.delay_ns, 0.0),
        "lut": 1.0,
        "table_mux": 1.0,
        "carry_entry": 1.0,
        "carry_per_bit": 1.0,
    },
)
"""A carry chain of n positions takes n ns, and a net no time."""


def within(path_ns: float):
    return lambda program: split_slow_operations(program, A_BIT_A_NS, path_ns)


def slowest(program: Program, operations: Iterable, target: Target = A_BIT_A_NS) -> float:
    """By the logic alone."""
    logic = delays(program, target).logic_ns
    return max(
        (float(logic[value.number]) for value in program if value.operation in operations),
        default=0.0,
    )


def of_inputs(*formats: Format) -> tuple[Builder, list[int]]:
    port = ProgramPort("x", (len(formats),), tuple(Field(n, f) for n, f in enumerate(formats)))
    builder = Builder([port])
    return builder, [builder.input(0, n) for n in range(len(formats))]


def finished(builder: Builder, *results: int) -> Program:
    builder.add_output_port("y", (len(results),), results)
    return verify(builder.build())


# -- rows ------------------------------------------------------------------------------------


def test_a_wide_row_is_two_segments_with_a_carry_between():
    assert_rewrites(
        within(4),
        """
        %0 = input : u8e0
        %1 = input : u8e0
        %2 = row 1*%0 1*%1 : u9e0[0,510]
        output %2
        """,
        """
        %0 = input : u8e0
        %1 = input : u8e0
        %2 = slice %0 wrap : u4e0
        %3 = slice %1 wrap : u4e0
        %4 = row 1*%2 1*%3 : u5e0[0,30]
        %5 = slice %4 wrap : u4e0
        %6 = slice %4 low=4 : u1e4
        %7 = slice %0 low=4 : u4e4
        %8 = slice %1 low=4 : u4e4
        %9 = row 1*%7 1*%8 1*%6 wrap : u5e4
        %10 = concat %5, %9 shift=4 : u9e0[0,510]
        output %10
        """,
    )


def test_a_difference_carries_where_it_does_not_borrow():
    assert_rewrites(
        within(2),
        """
        %0 = input : u4e0
        %1 = input : s4e0
        %2 = row 1*%0 -1*%1 wrap : u4e0
        output %2
        """,
        """
        %0 = input : u4e0
        %1 = input : s4e0
        %2 = slice %0 wrap : u2e0
        %3 = slice %1 wrap : u2e0
        %4 = const : u3e0[4,4]
        %5 = row 1*%2 -1*%3 1*%4 : u3e0[1,7]
        %6 = slice %5 wrap : u2e0
        %7 = slice %5 low=2 : u1e2
        %8 = slice %0 low=2 : u2e2
        %9 = slice %1 low=2 : s2e2
        %10 = const : s1e2[-1,-1]
        %11 = row 1*%8 -1*%9 1*%7 1*%10 wrap : u2e2
        %12 = concat %6, %11 shift=2 wrap : u4e0
        output %12
        """,
    )


def test_three_operands_are_first_summed_by_twos():
    """The pair that leaves the fewest LUTs goes first."""
    slow_luts = replace(A_BIT_A_NS, delay_ns={**A_BIT_A_NS.delay_ns, "lut": 3.0})
    assert_rewrites(
        lambda program: split_slow_operations(program, slow_luts, 9),
        """
        %0 = input : u4e0
        %1 = input : u8e0
        %2 = input : u4e0
        %3 = row 1*%0 1*%1 1*%2 : u9e0[0,285]
        output %3
        """,
        """
        %0 = input : u4e0
        %1 = input : u8e0
        %2 = input : u4e0
        %3 = row 1*%0 1*%1 : u9e0[0,270]
        %4 = row 1*%2 1*%3 : u9e0[0,285]
        output %4
        """,
    )


def test_a_constant_between_two_operands_is_added_by_itself():
    assert_rewrites(
        within(7),
        """
        %0 = input : u6e0
        %1 = input : u6e0
        %2 = const : u5e0[22,22]
        %3 = row 1*%0 1*%1 1*%2 : u8e0[22,148]
        output %3
        """,
        """
        %0 = input : u6e0
        %1 = input : u6e0
        %2 = const : u5e0[22,22]
        %3 = row 1*%0 1*%1 : u7e0[0,126]
        %4 = const : u5e0[22,22]
        %5 = row 1*%3 1*%4 : u8e0[22,148]
        output %5
        """,
    )


def test_what_fits_is_left_alone():
    assert_keeps(
        within(8),
        """
        %0 = input : u8e0
        %1 = input : u8e0
        %2 = row 1*%0 1*%1 : u9e0[0,510]
        %3 = bitwise %2, %0 function=or : u9e0
        output %3
        """,
    )


@pytest.mark.parametrize("path_ns", [2, 3, 4, 7])
def test_segments_are_as_few_as_do(path_ns):
    """A segment costs registers."""
    builder, (a, b) = of_inputs(*[Format.of_width(12, False)] * 2)
    program = finished(builder, builder.row([a, b], [1, 1]))
    made = verify(within(path_ns)(program))
    assert len(made.values_of(row)) == -(-12 // path_ns)
    assert slowest(made, [row]) <= path_ns
    assert_same_outputs(program, made)


@pytest.mark.parametrize("signs", [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("weights", [(1, 1), (1, -1), (-1, -1), (4, 1), (1, -8)])
@pytest.mark.parametrize("widths", [(20, 20), (20, 9), (6, 21)])
def test_every_kind_of_sum_fits_in_segments(widths, weights, signs):
    """Catches a sign, an end of an operand or a complement that needs more than one carry."""
    builder, operands = of_inputs(*map(Format.of_width, widths, signs))
    program = finished(builder, builder.row(operands, weights))
    made = verify(within(5)(program))
    assert slowest(made, [row]) <= 5
    assert_same_outputs(program, made)


def test_a_carry_takes_no_position_of_its_own():
    """It enters the chain of the segment above as its carry in, and leaves as the last carry."""
    builder, operands = of_inputs(*[Format.of_width(16, True)] * 2)
    program = finished(builder, builder.row(operands, [1, -1]))
    made = within(6)(program)
    plans = [plan_row(made[v]) for v in made.values_of(row).tolist()]
    assert len(plans) == 3
    assert [plan.carry_in.operand != CONSTANT for plan in plans] == [False, True, True]
    assert sum(plan.carry_positions for plan in plans) == 17
    assert not any(any(plan.compressed) for plan in plans)


def test_a_range_by_cancellation_survives():
    """``4x - x`` is ``3x``: readers rely on it, though the segments know only modulo."""
    before = """
        %0 = input : u8e0
        %1 = row 4*%0 -1*%0 : u10e0[0,765]
        %2 = row 1*%1 1*%0 : u10e0[0,1020]
        output %2
        """
    program = verify(parse(before))
    made = verify(within(3)(program))
    assert slowest(made, [row]) <= 3
    assert made.outputs == program.outputs
    assert_same_outputs(program, made)


def test_a_negation_that_proves_a_range_is_left():
    text = """
        %0 = input : s8e0
        %1 = row -1*%0 : s9e0[-127,128]
        %2 = slice %0 low=7 wrap : u1e0
        %3 = mux %2, %1, %0 : u8e0[0,128]
        output %3
        """
    assert_keeps(within(3), text)


def test_an_addition_is_split_too():
    builder, (a, b) = of_inputs(*[Format.of_width(10, True)] * 2)
    program = finished(builder, builder.add(a, b, -1, 2))
    made = verify(within(4)(program))
    assert not len(made.values_of(add))
    assert slowest(made, [row]) <= 4
    assert_same_outputs(program, made)


# -- products, tables, comparisons -----------------------------------------------------------


@pytest.mark.parametrize("formats", [("s6e0", "s7e0"), ("u5e0", "s9e0"), ("u8e0", "u8e0[3,200]")])
@pytest.mark.parametrize("path_ns", [3, 6, 10])
def test_a_product_is_a_sum_of_smaller_ones(formats, path_ns):
    builder, (a, b) = of_inputs(*map(Format.parse, formats))
    product = builder.mul(a, b)
    program = finished(builder, builder.row([product, a], [1, -1]))
    made = verify(within(path_ns)(program))
    assert len(made.values_of(mul)) > 1
    assert slowest(made, [mul, row]) <= path_ns
    assert_same_outputs(program, made)


@pytest.mark.parametrize("relation", ["lt", "le", "eq", "ne"])
@pytest.mark.parametrize("shift", [-3, 0, 2])
@pytest.mark.parametrize("formats", [("s9e0", "u7e0"), ("u12e0", "s5e0"), ("s8e0", "u6e0[42,42]")])
def test_a_comparison_is_decided_by_halves(relation, shift, formats):
    builder, (a, b) = of_inputs(*map(Format.parse, formats))
    program = finished(builder, builder.compare(a, b, relation, shift))
    made = verify(within(4)(program))
    assert len(made.values_of(compare)) > 1
    assert len(made.values_of(bitwise))
    assert slowest(made, [compare, bitwise]) <= 4
    assert_same_outputs(program, made, samples=400)


def test_a_comparison_that_proves_a_maximum_is_left():
    text = """
        %0 = input : s8e0
        %1 = input : u6e0
        %2 = compare %0, %1 : u1e0
        %3 = mux %2, %1, %0 : u7e0
        output %3
        """
    assert_keeps(within(3), text)


@pytest.mark.parametrize("address", ["u8e0", "s8e0", "u8e0[3,140]", "s9e0[-160,-1]"])
def test_a_big_table_is_parts_and_choices(address):
    builder, (a,) = of_inputs(Format.parse(address))
    format = builder.format(a)
    words = [n * n % 97 - 40 if n < 100 else 5 for n in range(format.hi - format.lo + 1)]
    builder.tables.append(table(format.lo, words))
    program = finished(builder, builder.lookup(a, 0))
    made = verify(within(1)(program))
    assert len(made.values_of(mux))
    assert slowest(made, [lookup, mux]) <= 1
    assert made.outputs == program.outputs
    assert_same_outputs(program, made, samples=400)


def test_a_table_that_would_fall_into_too_many_parts_is_left():
    builder, (a,) = of_inputs(Format.of_width(12, False))
    builder.tables.append(table(0, [n % 251 for n in range(1 << 12)]))
    program = finished(builder, builder.lookup(a, 0))
    assert len(within(1)(program)) == len(program)


def table(base: int, words: list[int]) -> Table:
    return Table(base, np.array(words))


# -- everything ------------------------------------------------------------------------------


def test_nothing_is_split_that_cannot_fit():
    """The schedule then names it: catches pieces that cost and help nobody."""
    builder, (a, b) = of_inputs(*[Format.of_width(12, False)] * 2)
    program = finished(builder, builder.row([a, b], [1, 1]), builder.mul(a, b))
    made = within(0.5)(program)
    assert made.operation.tolist() == program.operation.tolist()


def test_pieces_belong_where_the_whole_did():
    program = random_program(3, with_macros=False)
    made = within(2)(program)
    assert len(made) > len(program)
    assert set(made.layer.tolist()) <= set(program.layer.tolist())
    assert set(made.element.tolist()) <= set(program.element.tolist())


@pytest.mark.parametrize("path_ns", [2, 3, 5])
@pytest.mark.parametrize("widest", [9, 15, 33, 64, 80])
def test_random_programs_keep_every_output(widest, path_ns):
    """Catches a range that is lost, a bit that is wrong, a piece that is no sound value."""
    for seed in range(4):
        program = random_program(seed, widest=widest, with_macros=False)
        made = verify(within(path_ns)(program))
        assert_same_outputs(program, made)


@pytest.mark.parametrize("part", ["xcvu13p-flga2577-2-e", "generic", "levels"])
def test_parts_with_nets_keep_every_output(part):
    for seed in range(2):
        program = random_program(seed, widest=33, with_macros=False)
        for path_ns in (0.8, 1.0):
            assert_same_outputs(
                program, verify(split_slow_operations(program, target_for(part), path_ns))
            )


def sums(seed: int) -> Program:
    """Rows in segments of each kind, for the Verilog."""
    from ..rtl.test_rows import random_rows

    program = random_rows(seed)
    made = verify(within(3)(program))
    plans = [plan_row(value) for value in made if value.operation is row]
    assert any(plan.carry_in.operand != CONSTANT for plan in plans)
    assert len(made.values_of(concat)) and len(made.values_of(mask))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("has_primitives", [False, True], ids=["operators", "cells"])
@pytest.mark.parametrize("wish", [ScheduleWish(is_combinational=True), ScheduleWish(stages=4)])
def test_segments_are_the_interpreters_in_verilog(has_primitives, wish, tmp_path):
    """Catches a carry that enters at the wrong place or a cycle too late."""
    when = schedule(sums(0), target_for(), wish)
    rtl = emit(when, "core", CoreOptions(has_primitives=has_primitives))
    inputs = random_mantissas(when.program, 500)
    assert check_verilog(when, rtl, inputs, tmp_path).samples == 500
