"""Exact result intervals of operations, from the intervals of their operands."""

from __future__ import annotations

from typing import Any

from ..fixed import Format, interval_add, interval_mul, interval_shift, interval_union, limits
from ..fixed.quantize import round_mantissa
from .operations import (
    abs_,
    add,
    bitwise,
    compare,
    concat,
    const,
    input_,
    lincomb,
    lookup,
    mask,
    max_,
    min_,
    mul,
    mux,
    one_per_operation,
    output,
    quantize_,
    relu,
    row,
    slice_,
)

Interval = tuple[int, int]

range_of = one_per_operation("range_of")
"""``range_of[operation](*intervals, **attributes)``: the interval of the exact result."""


def _aligned(a: Interval, b: Interval, shift: int) -> tuple[Interval, Interval]:
    return (a, interval_shift(b, shift)) if shift >= 0 else (interval_shift(a, -shift), b)


@range_of(input_, const)
def _(**_: Any) -> Interval:
    raise TypeError("inputs and constants say their interval themselves")


@range_of(add)
def _(a: Interval, b: Interval, sign: int, shift: int) -> Interval:
    return interval_add(*_aligned(a, b, shift), sign)


@range_of(concat)
def _(a: Interval, b: Interval, shift: int) -> Interval:
    return interval_add(a, interval_shift(b, shift))


@range_of(mul)
def _(a: Interval, b: Interval) -> Interval:
    return interval_mul(a, b)


@range_of(slice_)
def _(a: Interval, low: int) -> Interval:
    return interval_shift(a, -low)


@range_of(mask)
def _(a: Interval, bit: Interval, when: int) -> Interval:
    return interval_union(a, (0, 0))


@range_of(mux)
def _(bit: Interval, a: Interval, b: Interval, shift: int) -> Interval:
    return interval_union(*_aligned(a, b, shift))


@range_of(compare)
def _(a: Interval, b: Interval, relation: str, shift: int) -> Interval:
    return 0, 1


@range_of(bitwise)
def _(a: Interval, b: Interval, function: str) -> Interval:
    if function == "and" and (a[0] >= 0 or b[0] >= 0):
        bounds = [each[1] for each in (a, b) if each[0] >= 0]
        return 0, min(bounds)
    union = Format(*interval_union(a, b)).container
    return union.lo, union.hi


@range_of(lookup)
def _(a: Interval, table: Any) -> Interval:
    inside = table.contents[max(a[0] - table.base, 0) : max(a[1] - table.base + 1, 0)]
    reached = inside if len(inside) else table.contents
    return int(reached.min()), int(reached.max())


@range_of(output)
def _(a: Interval, port: int, field: int) -> Interval:
    return a


@range_of(lincomb, row)
def _(*operands: Interval, weights: list[int]) -> Interval:
    lo = hi = 0
    for weight, (a, b) in zip(weights, operands, strict=True):
        lo += weight * (a if weight >= 0 else b)
        hi += weight * (b if weight >= 0 else a)
    return lo, hi


@range_of(quantize_)
def _(a: Interval, shift: int, k: int, bits: int, rounding: str, overflow: str) -> Interval:
    lo, hi = limits(k, bits, overflow)
    # Rounding is monotone, so the ends of the interval bound the result.
    least, most = (round_mantissa(m, shift, rounding) for m in a)
    if lo <= least and most <= hi and overflow != "WRAP_SM":
        return least, most
    if overflow.startswith("SAT"):
        return min(max(least, lo), hi), max(min(most, hi), lo)
    return lo, hi


@range_of(relu)
def _(a: Interval) -> Interval:
    return max(a[0], 0), max(a[1], 0)


@range_of(abs_)
def _(a: Interval) -> Interval:
    return (0 if a[0] <= 0 <= a[1] else min(abs(a[0]), abs(a[1]))), max(abs(a[0]), abs(a[1]))


@range_of(max_)
def _(a: Interval, b: Interval, shift: int) -> Interval:
    a, b = _aligned(a, b, shift)
    return max(a[0], b[0]), max(a[1], b[1])


@range_of(min_)
def _(a: Interval, b: Interval, shift: int) -> Interval:
    a, b = _aligned(a, b, shift)
    return min(a[0], b[0]), min(a[1], b[1])


range_of.close()
