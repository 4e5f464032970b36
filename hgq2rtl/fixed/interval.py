"""Exact arithmetic on closed intervals ``(lo, hi)`` of integers."""

from __future__ import annotations

Interval = tuple[int, int]


def interval_add(a: Interval, b: Interval, sign: int = 1) -> Interval:
    """``a + sign * b`` for `sign` +1 or -1."""
    if sign > 0:
        return a[0] + b[0], a[1] + b[1]
    return a[0] - b[1], a[1] - b[0]


def interval_mul(a: Interval, b: Interval) -> Interval:
    """All products of a number of `a` and one of `b`."""
    corners = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
    return min(corners), max(corners)


def interval_shift(a: Interval, shift: int) -> Interval:
    """``a << shift``; a negative shift drops low bits (floor)."""
    if shift >= 0:
        return a[0] << shift, a[1] << shift
    return a[0] >> -shift, a[1] >> -shift


def interval_union(a: Interval, b: Interval) -> Interval:
    """The least interval that holds both."""
    return min(a[0], b[0]), max(a[1], b[1])
