"""Canonical signed digits: the value, no two neighbours, and no digit too many."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis.strategies import integers

from hgq2rtl.cmvm.csd import signed_digits

SEEDED = settings(derandomize=True, deadline=None, max_examples=200)


def value(digits: list[tuple[int, int]]) -> int:
    return sum(sign * 2**shift for shift, sign in digits)


@SEEDED
@given(number=integers(-(2**200), 2**200))
def test_digits_are_the_number(number):
    """Catches a digit lost at the top, at negative numbers, or beyond 64 bits."""
    digits = signed_digits(number)
    assert value(digits) == number
    assert all(sign in (1, -1) for _, sign in digits)


@SEEDED
@given(number=integers(-(2**200), 2**200))
def test_no_two_neighbours_are_set(number):
    """The canonical form: catches plain binary, which costs a third more adders."""
    shifts = [shift for shift, _ in signed_digits(number)]
    assert all(b - a >= 2 for a, b in zip(shifts, shifts[1:], strict=False))


def fewest_digits(limit: int) -> dict[int, int]:
    """The least number of terms ``+-2**n`` of every number up to `limit`, by trying all sums."""
    powers = [s * 2**n for n in range(limit.bit_length() + 1) for s in (1, -1)]
    fewest = {0: 0}
    frontier = {0}
    while len([n for n in fewest if abs(n) <= limit]) < 2 * limit + 1:
        frontier = {a + p for a in frontier for p in powers} - set(fewest)
        fewest.update(dict.fromkeys(frontier, max(fewest.values()) + 1))
    return fewest


def test_no_form_has_fewer_digits():
    """The whole of a small domain: catches a form that is correct and wasteful."""
    fewest = fewest_digits(200)
    for number in range(-200, 201):
        assert len(signed_digits(number)) == fewest[number], number


def test_zero_has_no_digit():
    """Catches a term for nothing."""
    assert signed_digits(0) == []
