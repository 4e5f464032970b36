"""Interval arithmetic, against all members of small intervals."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis.strategies import composite, integers, sampled_from

from hgq2rtl.fixed import interval_add, interval_mul, interval_shift, interval_union

SEEDED = settings(derandomize=True, deadline=None, max_examples=100)


@composite
def intervals(draw):
    lo = draw(integers(-20, 20))
    return lo, lo + draw(integers(0, 12))


def members(interval):
    return range(interval[0], interval[1] + 1)


@SEEDED
@given(a=intervals(), b=intervals(), sign=sampled_from([1, -1]))
def test_sums_and_differences_reach_exactly_the_interval(a, b, sign):
    """Catches ends that are not exchanged where the second operand is subtracted."""
    results = {x + sign * y for x in members(a) for y in members(b)}
    assert interval_add(a, b, sign) == (min(results), max(results))


@SEEDED
@given(a=intervals(), b=intervals())
def test_products_reach_exactly_the_interval(a, b):
    """Catches corners forgotten where both operands change sign."""
    results = {x * y for x in members(a) for y in members(b)}
    assert interval_mul(a, b) == (min(results), max(results))


@SEEDED
@given(a=intervals(), shift=integers(-7, 7))
def test_shifts_floor(a, shift):
    """Catches a right shift that rounds towards zero."""
    results = [x * 2**shift // 1 for x in members(a)]
    assert interval_shift(a, shift) == (min(results), max(results))


@SEEDED
@given(a=intervals(), b=intervals())
def test_a_union_holds_both_and_no_more(a, b):
    """Catches a union that loses one operand's end."""
    both = {*members(a), *members(b)}
    assert interval_union(a, b) == (min(both), max(both))


def test_intervals_have_no_limit():
    """Catches a detour through int64 or float."""
    big = (-(2**200), 2**200 - 1)
    assert interval_mul(big, big) == (-(2**200) * (2**200 - 1), 2**400)
    assert interval_add(big, big, -1) == (-(2**201) + 1, 2**201 - 1)
    assert interval_shift(big, 300) == (-(2**500), (2**200 - 1) << 300)
