"""Expand macros into what hardware has: slices, additions, comparisons, choices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..fixed import Format, bit_width, limits
from ..ir import Builder, Program, Value
from ..ir.operations import (
    OPERATIONS,
    Operation,
    abs_,
    lincomb,
    lookup,
    max_,
    min_,
    quantize_,
    relu,
)
from ..ir.program import Table
from ..ir.ranges import range_of
from .rewrite import rewrite

Expansion = Callable[[Builder, Value, list[int]], int]
EXPANSIONS: dict[Operation, Expansion] = {}


def expands(*operations: Operation) -> Callable[[Expansion], Expansion]:
    """Register how a macro is built."""

    def register(function: Expansion) -> Expansion:
        for each in operations:
            EXPANSIONS[each] = function
        return function

    return register


def expand_macros(program: Program) -> Program:
    """Leave no macro but linear combinations, which have a pass of their own."""

    def rule(builder: Builder, value: Value, operands: list[int]) -> int | None:
        if value.operation is lookup:
            return _covered_lookup(builder, value, *operands)
        expansion = EXPANSIONS.get(value.operation)
        if expansion is None:
            return None
        made = expansion(builder, value, operands)
        if value.is_wrapping:
            return _cut(builder, made, value.format)
        # Operation by operation, intervals may grow beyond what the macro can give.
        whole = value.format.container
        is_too_wide = builder.format(made).container.width > whole.width
        return _cut(builder, made, whole) if is_too_wide else made

    return rewrite(program, rule)


def _cut(builder: Builder, wire: int, format: Format) -> int:
    """The low bits of `wire`, which are all that it has in this format."""
    interval = (format.lo, format.hi)
    return builder.slice(wire, interval=interval, exponent=format.exponent, wraps=True)


def _covered_lookup(builder: Builder, value: Value, wire: int) -> int | None:
    """A lookup whose operand may now leave the table by its interval, if never by its numbers."""
    number = value.program.rows.attribute[value.number][0]
    table = builder.tables[number]
    lo, hi = builder.intervals[wire]
    before, after = table.base - lo, hi - (table.base + len(table.contents) - 1)
    if before <= 0 and after <= 0:
        return None
    padded = np.pad(table.contents, (max(before, 0), max(after, 0)), mode="edge")
    builder.tables.append(Table(min(lo, table.base), padded))
    same = {"interval": value.interval, "exponent": value.format.exponent}
    return builder.lookup(wire, len(builder.tables) - 1, **same)


@expands(relu)
def _(builder: Builder, value: Value, operands: list[int]) -> int:
    (x,) = operands
    lo, hi = builder.intervals[x]
    if lo >= 0:
        return x
    if hi <= 0:
        return builder.const(0, value.format.exponent)
    return builder.mask(x, sign_bit(builder, x), when=0, interval=(0, hi))


@expands(abs_)
def _(builder: Builder, value: Value, operands: list[int]) -> int:
    (x,) = operands
    lo, hi = builder.intervals[x]
    if lo >= 0:
        return x
    zero = builder.const(0, builder.exponents[x])
    negated = builder.add(zero, x, sign=-1)
    if hi <= 0:
        return negated
    interval = range_of[abs_](builder.intervals[x])
    return builder.mux(sign_bit(builder, x), negated, x, interval=interval)


@expands(max_)
def _(builder: Builder, value: Value, operands: list[int]) -> int:
    a, b = operands
    shift = value.attributes["shift"]
    is_less = builder.compare(a, b, "lt", shift)
    interval = range_of[max_](builder.intervals[a], builder.intervals[b], shift)
    exponent = value.format.exponent
    return builder.mux(is_less, b, a, -shift, interval=interval, exponent=exponent)


@expands(min_)
def _(builder: Builder, value: Value, operands: list[int]) -> int:
    a, b = operands
    shift = value.attributes["shift"]
    is_less = builder.compare(a, b, "lt", shift)
    interval = range_of[min_](builder.intervals[a], builder.intervals[b], shift)
    exponent = value.format.exponent
    return builder.mux(is_less, a, b, shift, interval=interval, exponent=exponent)


def sign_bit(builder: Builder, x: int) -> int:
    """1 where `x` < 0: the top bit of a signed wire."""
    lo, hi = builder.intervals[x]
    return builder.slice(x, bit_width(lo, hi) - 1, interval=(0, 1), wraps=True, exponent=0)


@expands(quantize_)
def _(builder: Builder, value: Value, operands: list[int]) -> int:
    (x,) = operands
    given = value.attributes
    shift, k, bits = given["shift"], given["k"], given["bits"]
    rounding, overflow = given["rounding"], given["overflow"]
    if k + bits <= 0:
        return builder.const(0, value.format.exponent)
    rounded = builder.slice(_add_rounding(builder, x, shift, rounding), shift)
    least, most = builder.intervals[rounded]
    lo, hi = limits(k, bits, overflow)
    if overflow == "WRAP_SM":
        return _wrap_triangle(builder, x, rounded, shift, k, bits)
    if lo <= least and most <= hi:
        return rounded
    if overflow == "WRAP":
        return builder.slice(rounded, interval=(lo, hi), wraps=True)
    return _saturate(builder, rounded, lo, hi)


def _add_rounding(builder: Builder, x: int, shift: int, rounding: str) -> int:
    """What :func:`hgq2rtl.fixed.quantize.rounding_offset` says, as wires."""
    if shift <= 0 or rounding == "TRN":
        return x
    half = 1 << (shift - 1)
    match rounding:
        case "RND":
            return _plus(builder, x, half)
        case "RND_MIN_INF":
            return _plus(builder, x, half - 1)
        case "RND_CONV":
            is_odd = builder.slice(x, shift, interval=(0, 1), wraps=True, exponent=0)
            return _plus(builder, builder.add(x, is_odd), half - 1)
    if builder.intervals[x][0] >= 0:
        constant = {"TRN_ZERO": 0, "RND_ZERO": half - 1, "RND_INF": half}[rounding]
        return _plus(builder, x, constant)
    is_negative = sign_bit(builder, x)
    match rounding:
        case "TRN_ZERO":
            ones = builder.const(2 * half - 1, builder.exponents[x])
            return builder.add(x, builder.mask(ones, is_negative))
        case "RND_ZERO":
            return _plus(builder, builder.add(x, is_negative), half - 1)
    return _plus(builder, builder.add(x, is_negative, sign=-1), half)  # RND_INF


def _plus(builder: Builder, x: int, constant: int) -> int:
    if constant == 0:
        return x
    return builder.add(x, builder.const(constant, builder.exponents[x]))


def _saturate(builder: Builder, x: int, lo: int, hi: int) -> int:
    """`x` clipped to ``[lo, hi]``: at most two comparisons and two choices."""
    exponent = builder.exponents[x]
    least, most = builder.intervals[x]
    clipped = x
    if most > hi:
        high = builder.const(hi, exponent)
        is_inside = builder.compare(x, high, "lt")
        clipped = builder.mux(is_inside, x, high, interval=(min(least, hi), hi))
    if least < lo:
        low = builder.const(lo, exponent)
        is_below = builder.compare(x, low, "lt")
        interval = (lo, max(lo, min(most, hi)))
        clipped = builder.mux(is_below, low, clipped, interval=interval)
    return clipped


def _wrap_triangle(builder: Builder, x: int, rounded: int, shift: int, k: int, bits: int) -> int:
    """HGQ's sign-magnitude wrap; see ``fixed.quantize``. `x` is not yet rounded."""
    exponent = builder.exponents[rounded]
    if shift < 0:
        x, shift = builder.slice(x, shift), 0
    period = k + bits
    low = -k << bits
    wrapped = builder.slice(rounded, interval=(low, low + (1 << period) - 1), wraps=True)
    flips = builder.bitwise(
        _is_outer(builder, x, shift, period), _is_folded(builder, x, shift, period), "xor"
    )
    flipped = builder.add(builder.const(-1, exponent), wrapped, sign=-1)
    return builder.mux(flips, flipped, wrapped)


def _bit(builder: Builder, x: int, position: int) -> int:
    """One bit of `x` in two's complement, also above its width."""
    return builder.slice(x, position, interval=(0, 1), wraps=True, exponent=0)


def _is_outer(builder: Builder, x: int, shift: int, period: int) -> int:
    """``abs(x)`` above half a step, and an odd number of periods away."""
    exponent = builder.exponents[x]
    half = (1 << shift) >> 1  # 2 * abs(m) > 2**shift
    above = builder.compare(builder.const(half, exponent), x, "lt")
    below = builder.compare(x, builder.const(-half, exponent), "lt")
    is_large = builder.bitwise(above, below, "or")
    return builder.bitwise(is_large, _bit(builder, x, shift + period), "and")


def _is_folded(builder: Builder, x: int, shift: int, period: int) -> int:
    """Bit ``shift + period`` of ``2 * x + 2**shift``."""
    if shift:
        x = _plus(builder, x, 1 << (shift - 1))
    return _bit(builder, x, shift + period - 1)


_missing = [o.name for o in OPERATIONS if o.is_macro and o not in (*EXPANSIONS, lincomb)]
if _missing:
    raise ImportError(f"expand lacks {', '.join(_missing)}")
