"""A quick proof for most values: array arithmetic on their intervals.

The verifier looks at the others one by one, so a value that this misses costs
time and nothing else.
"""

from __future__ import annotations

import numpy as np

from ..fixed import bit_widths
from .operations import OPERATIONS, add, const, mask, output, row, slice_
from .program import Program

SMALL = 2**40
SMALL_SHIFT = 20
"""Within these no int64 below overflows."""


def plainly_sound(program: Program) -> np.ndarray:
    """bool (n,): values of common operations that satisfy every rule of the verifier."""
    sound = np.zeros(len(program), bool)
    if not len(program):
        return sound
    ready = _has_ready_operands(program)
    sound[(program.operation == const.code) & (program.lo == program.hi) & ready] = True
    for which, rule in ((add, _add), (slice_, _slice), (mask, _mask), (row, _row)):
        values = np.flatnonzero((program.operation == which.code) & ready)
        if values.size:
            sound[values] = rule(program, values)
    sound[list(program.big)] = False
    return sound


def _has_ready_operands(program: Program) -> np.ndarray:
    """Right number of operands, all computed before, none an output."""
    wanted = np.array([-1 if o.operands is None else o.operands for o in OPERATIONS])
    counts = np.diff(program.start)
    ready = (counts == wanted[program.operation]) | (program.operation == row.code)
    reader = np.repeat(np.arange(len(program)), counts)
    inside = (program.operand >= 0) & (program.operand < reader)
    is_output = program.operation[np.where(inside, program.operand, 0)] == output.code
    ready[reader[~inside | is_output]] = False
    return ready


def _is_small(program: Program, values: np.ndarray) -> np.ndarray:
    return (program.lo[values] > -SMALL) & (program.hi[values] < SMALL)


def _holds(program: Program, values: np.ndarray, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Where the format holds ``[lo, hi]``, or says that it wraps and is full."""
    own_lo, own_hi = program.lo[values], program.hi[values]
    width = bit_widths(own_lo, own_hi)
    is_signed = own_lo < 0
    span = np.int64(1) << np.minimum(np.where(is_signed, width - 1, width), 62)
    is_full = (own_lo == np.where(is_signed, -span, 0)) & (own_hi == span - 1) & (width < 62)
    fits = (own_lo <= lo) & (hi <= own_hi)
    return np.where(program.wraps[values], is_full, fits) & (own_lo <= own_hi)


def _add(program: Program, values: np.ndarray) -> np.ndarray:
    a, b = _operands(program, values, 2)
    sign, shift = program.attribute[values, 0], program.attribute[values, 1]
    is_legal = (np.abs(sign) == 1) & (np.abs(shift) <= SMALL_SHIFT)
    shift = np.clip(shift, -SMALL_SHIFT, SMALL_SHIFT)
    up_a, up_b = np.maximum(-shift, 0), np.maximum(shift, 0)
    a_lo, a_hi = program.lo[a] << up_a, program.hi[a] << up_a
    b_lo, b_hi = program.lo[b] << up_b, program.hi[b] << up_b
    lo = a_lo + np.where(sign > 0, b_lo, -b_hi)
    hi = a_hi + np.where(sign > 0, b_hi, -b_lo)
    is_small = _is_small(program, a) & _is_small(program, b)
    return is_legal & is_small & _holds(program, values, lo, hi)


def _slice(program: Program, values: np.ndarray) -> np.ndarray:
    (a,) = _operands(program, values, 1)
    low = program.attribute[values, 0]
    is_legal = np.abs(low) <= SMALL_SHIFT
    low = np.clip(low, -SMALL_SHIFT, SMALL_SHIFT)
    up, down = np.maximum(-low, 0), np.maximum(low, 0)
    lo, hi = (program.lo[a] << up) >> down, (program.hi[a] << up) >> down
    return is_legal & _is_small(program, a) & _holds(program, values, lo, hi)


def _row(program: Program, values: np.ndarray) -> np.ndarray:
    if program.weight.dtype == object or not program.operand.size:
        return np.zeros(values.size, bool)
    first, counts = program.start[values], np.diff(program.start)[values]
    lo, hi = np.zeros(values.size, np.int64), np.zeros(values.size, np.int64)
    variables = np.zeros(values.size, np.int64)
    is_legal = counts <= 4  # others are looked at one by one
    for n in range(4):
        is_there = n < counts
        at = np.where(is_there, first + n, 0)
        operand, weight = program.operand[at], program.weight[at]
        size = np.abs(weight)
        is_legal &= ~is_there | ((size & (size - 1) == 0) & (size > 0) & (size <= 1 << SMALL_SHIFT))
        is_legal &= ~is_there | _is_small(program, operand)
        is_legal[is_there & (np.abs(weight) > 1 << SMALL_SHIFT)] = False
        weight = np.where(is_there & is_legal, weight, 0)
        a_lo, a_hi = program.lo[operand], program.hi[operand]
        a_lo, a_hi = np.where(is_legal, a_lo, 0), np.where(is_legal, a_hi, 0)
        lo += weight * np.where(weight > 0, a_lo, a_hi)
        hi += weight * np.where(weight > 0, a_hi, a_lo)
        variables += is_there & (program.lo[operand] != program.hi[operand])
    is_legal &= variables <= 2  # whether three fit depends on their bits
    return is_legal & _holds(program, values, lo, hi)


def _mask(program: Program, values: np.ndarray) -> np.ndarray:
    a, bit = _operands(program, values, 2)
    is_bit = (program.lo[bit] >= 0) & (program.hi[bit] <= 1)
    is_legal = np.isin(program.attribute[values, 0], (0, 1))
    lo, hi = np.minimum(program.lo[a], 0), np.maximum(program.hi[a], 0)
    is_small = _is_small(program, a)  # the columns do not hold intervals beyond int64
    return is_bit & is_legal & is_small & _holds(program, values, lo, hi)


def _operands(program: Program, values: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    first = program.start[values]
    return tuple(program.operand[first + n] for n in range(count))
