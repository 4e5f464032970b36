"""How many register bits lie in shift registers, if rows of a length are such."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .reads import first_cycle, reads
from .schedule import Schedule

REGISTERS_PER_LUT = 32
"""Of one bit: AMD's SRL32, a LUT of six inputs (UG574, shift registers)."""


@dataclass(frozen=True, eq=False)
class ShiftRegisters:
    """What takes the place of registers, by value."""

    bits: np.ndarray
    """int64 (n,): register bits in them, part of ``Schedule.register_bits_of``."""
    luts: np.ndarray
    """int64 (n,): LUTs that hold these."""


def shift_registers(schedule: Schedule, length: int | None) -> ShiftRegisters:
    """Rows of at least `length` registers that nothing reads between, whole; None: there are none.

    A bit that is no longer read behind a row is not in it.
    """
    bits = np.zeros(len(schedule.program), np.int64)
    luts = bits.copy()
    if length is None or schedule.is_combinational:
        return ShiftRegisters(bits, luts)
    last_read = _last_reads(schedule)
    inside, outside = reads(schedule)
    for v in sorted({*inside, *outside}):
        if schedule.is_wire[v]:
            continue
        read = inside.get(v, set()) | outside.get(v, set())
        cycles = sorted({first_cycle(schedule, v, read), *read})
        for before, after in pairwise(cycles):
            depth = after - before
            if depth >= length:
                kept = int((last_read[v] >= after).sum())
                bits[v] += kept * depth
                luts[v] += kept * -(-depth // REGISTERS_PER_LUT)
    return ShiftRegisters(bits, luts)


def _last_reads(schedule: Schedule) -> list[np.ndarray]:
    """Of each value the cycles in which its bits are last read: one entry a bit that is read."""
    made, _, end = schedule.lives
    owner = schedule.wiring.value_of(made)
    ends = np.searchsorted(owner, np.arange(1, len(schedule.program)))
    return np.split(end - schedule.stage[owner], ends)
