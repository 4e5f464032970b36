"""Intervals of choices that are guarded by the very values they choose between.

``mask(x, sign of x)`` is a relu, ``mux(a < b, b, a)`` is the greater of both:
their ranges are tighter than those of a mask or mux with any bit.
"""

from __future__ import annotations

from ..fixed import bit_width
from .operations import RELATIONS, Operation, add, compare, mask, max_, min_, mux, row, slice_
from .program import Program
from .ranges import Interval, range_of


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
    if not _is_negation(program, negated, x):
        return None
    lo, hi = program.interval(x)
    return 0, max(-lo, hi)


def _is_negation(program: Program, v: int, x: int) -> bool:
    """`v` is ``-x``: a row of it alone, or what an addition says."""
    value = program[v]
    if value.is_wrapping:
        return False
    if value.operation is row:
        return value.operands == [x] and value.weights == [-1]
    if value.operation is not add or value.attributes != {"sign": -1, "shift": 0}:
        return False
    zero, subtracted = value.operands
    return program.interval(zero) == (0, 0) and subtracted == x


def _is_sign(program: Program, bit: int, x: int) -> bool:
    """`bit` is 1 where `x` is negative: one of the bits above its magnitude."""
    lo, hi = program.interval(x)
    return (
        program.rows.operation[bit] is slice_
        and program.operands_of(bit) == [x]
        and program[bit].attributes["low"] >= bit_width(lo, hi) - (lo < 0)
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
    """A minimum or maximum of its two branches."""
    which = _kind_of_extremum(program, v)
    if which is None:
        return None
    _, a, b = program.operands_of(v)
    return range_of[which](program.interval(a), program.interval(b), program[v].attributes["shift"])


def _kind_of_extremum(program: Program, v: int) -> Operation | None:
    """``mux(p < q, q, p)`` is the maximum, ``mux(p < q, p, q)`` the minimum."""
    bit, a, b = program.operands_of(v)
    shift = program[v].attributes["shift"]
    found = _comparison(program, bit)
    if found == (a, b, shift):
        return min_
    return max_ if found == (b, a, -shift) else None


def _lower_clamp(program: Program, v: int) -> Interval | None:
    """``mux(x < low, low, min(x, high))`` with constants ``low <= high``: both limits at once."""
    bit, low, upper_clamped = program.operands_of(v)
    found = _comparison(program, bit)
    if found is None or program[v].attributes["shift"] or not program.is_constant(low):
        return None
    x, compared, shift = found
    if shift or compared != low:
        return None
    high = _upper_limit(program, upper_clamped, x)
    least = program.interval(low)[0]
    if high is None or high < least:
        return None
    lo, hi = program.interval(x)
    return max(least, min(lo, high)), max(least, min(hi, high))


def _upper_limit(program: Program, v: int, x: int) -> int | None:
    """`high` where `v` is ``min(x, high)`` with a constant."""
    if program.rows.operation[v] is not mux or program.rows.wraps[v]:
        return None
    if program[v].attributes["shift"] or _kind_of_extremum(program, v) is not min_:
        return None
    others = [o for o in program.operands_of(v)[1:] if o != x]
    if len(others) != 1 or not program.is_constant(others[0]):
        return None
    return program.interval(others[0])[0]
