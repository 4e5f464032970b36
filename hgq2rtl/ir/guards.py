"""Intervals of choices that are guarded by the very values they choose between.

``mask(x, sign of x)`` is a relu, ``mux(a < b, b, a)`` is the greater of both:
their ranges are tighter than those of a mask or mux with any bit.
"""

from __future__ import annotations

from ..fixed import bit_width, interval_shift
from .operations import RELATIONS, add, compare, mask, mux, slice_
from .program import Program
from .ranges import Interval


def guarded_interval(program: Program, v: int) -> Interval | None:
    """The exact range of `v` if it is such a choice, else None."""
    which = program.rows.operation[v]
    if which is mask:
        return _relu(program, v)
    if which is mux:
        return _absolute(program, v) or _extremum(program, v) or _lower_clamp(program, v)
    return None


def _relu(program: Program, v: int) -> Interval | None:
    """``mask(x, sign(x), when=0)``."""
    x, bit = program.operands_of(v)
    if program[v].attributes["when"] == 0 and _is_sign(program, bit, x):
        return 0, max(program.interval(x)[1], 0)
    return None


def _absolute(program: Program, v: int) -> Interval | None:
    """``mux(sign(x), 0 - x, x)``."""
    bit, negated, x = program.operands_of(v)
    if program[v].attributes["shift"] or not _is_sign(program, bit, x):
        return None
    if program.rows.operation[negated] is not add or program.rows.wraps[negated]:
        return None
    zero, subtracted = program.operands_of(negated)
    is_negation = program.interval(zero) == (0, 0) and subtracted == x
    if not is_negation or program[negated].attributes != {"sign": -1, "shift": 0}:
        return None
    lo, hi = program.interval(x)
    return 0, max(-lo, hi)


def _is_sign(program: Program, bit: int, x: int) -> bool:
    """`bit` is the top bit of the signed value `x`."""
    lo, hi = program.interval(x)
    return (
        lo < 0
        and program.rows.operation[bit] is slice_
        and program.operands_of(bit) == [x]
        and program[bit].attributes["low"] == bit_width(lo, hi) - 1
    )


def _comparison(program: Program, bit: int) -> tuple[int, int, int] | None:
    """``(p, q, shift)`` where `bit` says ``p < (q << shift)``."""
    if program.rows.operation[bit] is not compare:
        return None
    given = program[bit].attributes
    if given["relation"] != RELATIONS[0]:
        return None
    p, q = program.operands_of(bit)
    return p, q, given["shift"]


def _extremum(program: Program, v: int) -> Interval | None:
    """``mux(p < q, q, p)`` is the maximum, ``mux(p < q, p, q)`` the minimum."""
    bit, a, b = program.operands_of(v)
    found = _comparison(program, bit)
    if found is None:
        return None
    p, q, shift = found
    chosen = program[v].attributes["shift"]
    interval_p = interval_shift(program.interval(p), max(-shift, 0))
    interval_q = interval_shift(program.interval(q), max(shift, 0))
    if (a, b, chosen) == (q, p, -shift):
        return max(interval_p[0], interval_q[0]), max(interval_p[1], interval_q[1])
    if (a, b, chosen) == (p, q, shift):
        return min(interval_p[0], interval_q[0]), min(interval_p[1], interval_q[1])
    return None


def _lower_clamp(program: Program, v: int) -> Interval | None:
    """``mux(x < low, low, min(x, high))`` with constants ``low <= high``: both limits at once."""
    bit, low, upper_clamped = program.operands_of(v)
    found = _comparison(program, bit)
    if found is None or program[v].attributes["shift"] or not program.is_constant(low):
        return None
    x, compared, shift = found
    if shift or compared != low or program.rows.operation[upper_clamped] is not mux:
        return None
    interval = _extremum(program, upper_clamped)
    _, a, b = program.operands_of(upper_clamped)
    others = [o for o in (a, b) if o != x]
    if interval is None or x not in (a, b) or not all(map(program.is_constant, others)):
        return None
    least = program.interval(low)[0]
    is_minimum = interval[1] <= program.interval(x)[1] and all(
        program.interval(high)[0] >= least for high in others
    )
    if not is_minimum or program[upper_clamped].attributes["shift"]:
        return None
    return max(least, interval[0]), max(least, interval[1])
