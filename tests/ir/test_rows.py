"""A row's plan computes the row, and costs what its bits say."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from hgq2rtl.ir.rows import (
    CONSTANT,
    ONE,
    ZERO,
    Bit,
    Operand,
    RowPlan,
    hardware_constant,
    plan_chain,
)


def evaluate(plan: RowPlan, numbers: dict[int, int], width: int) -> int:
    """What the chain gives, position by position."""

    def bit(which: Bit) -> int:
        if which.operand == CONSTANT:
            return which.number
        return (numbers[which.operand] >> which.number & 1) ^ which.is_inverted

    result = sum(bit(each) << n for n, each in enumerate(plan.low))
    carry, saved = bit(plan.carry_in), 0
    for n, (d, s, z, is_compressed) in enumerate(
        zip(plan.d, plan.s, plan.z, plan.compressed, strict=True), len(plan.low)
    ):
        three = (bit(d), bit(s), bit(z))
        if is_compressed:
            total = (sum(three) & 1) + saved + carry
            saved = int(sum(three) > 1)
        else:
            assert not three[2]
            assert not (saved and three[0]), "the saved carry needs the D side"
            total = sum(three) + saved + carry
            saved = 0
        result |= (total & 1) << n
        carry = total >> 1
    if plan.has_carry_out:
        assert not saved
        result |= carry << (len(plan.low) + len(plan.s))
    return result & ((1 << width) - 1)


operands = st.lists(
    st.tuples(st.integers(1, 6), st.booleans(), st.integers(0, 5), st.booleans()),
    min_size=1,
    max_size=3,
)


@settings(max_examples=400)
@given(operands, st.integers(-200, 200), st.integers(1, 14), st.booleans(), st.integers(0, 999))
def test_the_plan_is_the_sum_modulo_its_width(given_, constant, width, is_free, seed):
    row = [Operand(n, *each) for n, each in enumerate(given_)]
    if is_free:
        constant = -hardware_constant(row, width)
    plan = plan_chain(row, constant, width)
    if plan is None:
        assert len(row) == 3
        assert not is_free
        return
    rng = random.Random(seed)
    for _ in range(20):
        numbers = {
            n: rng.randint(-(1 << bits - 1), (1 << bits - 1) - 1)
            if is_signed
            else rng.randint(0, (1 << bits) - 1)
            for n, bits, is_signed, _, _ in row
        }
        exact = constant + sum(
            (-1 if is_subtracted else 1) * (numbers[n] << shift)
            for n, _, _, shift, is_subtracted in row
        )
        assert evaluate(plan, numbers, width) == exact & ((1 << width) - 1)


def unsigned(*bits_and_shifts: tuple[int, int]) -> list[Operand]:
    return [Operand(n, w, False, s, False) for n, (w, s) in enumerate(bits_and_shifts)]


def test_only_the_overlap_of_two_operands_costs_luts():
    plan = plan_chain(unsigned((4, 0), (10, 2)), 0, 13)
    assert len(plan.low) == 2
    assert (plan.luts, plan.inverters, plan.carry_positions) == (2, 0, 10)
    assert plan.has_carry_out


def test_a_concatenation_is_wires():
    plan = plan_chain(unsigned((4, 0), (3, 5)), 0, 8)
    assert (plan.luts, plan.inverters, plan.carry_positions, plan.levels) == (0, 0, 0, 0)


def test_a_complement_costs_inverters_outside_of_the_overlap_only():
    row = [Operand(0, 3, False, 0, False), Operand(1, 6, False, 0, True)]
    plan = plan_chain(row, -hardware_constant(row, 7), 7)
    assert (plan.luts, plan.inverters) == (3, 3)


def test_a_constant_joins_the_row_as_a_third_bit_where_it_must():
    plan = plan_chain(unsigned((4, 0), (4, 0)), 0b00010, 6)
    assert plan.compressed == (False, True, True, True, False)
    assert (plan.luts, plan.levels) == (4, 2)


def test_the_lowest_constant_bit_is_the_carry_in():
    plan = plan_chain(unsigned((4, 0), (4, 0)), 1, 6)
    assert plan.carry_in == ONE
    assert not any(plan.compressed)


def test_three_operands_take_one_lut_a_position():
    plan = plan_chain(unsigned((8, 0), (8, 0), (8, 0)), 0, 10)
    assert (plan.luts, plan.carry_positions, plan.levels) == (8, 9, 2)


def test_four_bits_in_one_position_are_no_row():
    assert plan_chain(unsigned((4, 0), (4, 0), (4, 0)), 2, 7) is None


def test_a_single_bit_is_the_carry_in_where_it_would_be_a_third_bit():
    plan = plan_chain(unsigned((4, 2), (4, 2), (1, 2)), 0, 7)
    assert plan.carry_in == Bit(2, 0)
    assert (plan.luts, plan.carry_positions, plan.levels) == (4, 4, 1)
    assert plan.has_carry_out


def test_a_single_bit_beside_one_other_stays_in_the_chain():
    """There it costs nothing more, and the carry in is a pin that is hard to reach."""
    plan = plan_chain(unsigned((4, 0), (1, 0)), 0, 5)
    assert plan.carry_in == ZERO


def test_an_inverted_bit_is_no_carry_in():
    row = [*unsigned((4, 0), (4, 0)), Operand(2, 1, False, 0, True)]
    plan = plan_chain(row, -hardware_constant(row, 6), 6)
    assert plan.carry_in == ZERO


def test_a_row_with_carry_in_and_a_constant_there_takes_three_bits():
    plan = plan_chain(unsigned((4, 0), (4, 0), (1, 0)), 1, 6)
    assert plan.carry_in == ONE
    assert plan.compressed[0]
