"""In which cycles each value is read, counted from its own stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..ir.operations import output
from .schedule import Schedule

Cycles = dict[int, set[int]]
"""By value, cycles after its stage."""


def reads(schedule: Schedule, piece: Sequence[int] | None = None) -> tuple[Cycles, Cycles]:
    """What reads each value from inside of its piece, and what from outside.

    Logic reads its operands in its own stage; a wire reads them in every cycle in which it is
    read itself. The copy of a wire that only the outside reads stands outside. Values that no
    output needs, and constants, are left out.

    Parameters
    ----------
    piece : of each value the number of its piece, negative for none; without it there is none
    """
    program = schedule.program
    stage, rows = schedule.stage.tolist(), program.rows
    is_wire, is_constant = schedule.is_wire.tolist(), schedule.is_constant.tolist()
    piece = [-1] * len(stage) if piece is None else piece
    inside: Cycles = defaultdict(set)
    outside: Cycles = defaultdict(set)
    for v in range(len(stage) - 1, -1, -1):
        here, beyond = inside.get(v, set()), outside.get(v, set())
        if rows.operation[v] is output:
            here, beyond = set(), {0}
        elif is_constant[v] or not (here or beyond):
            continue
        elif is_wire[v]:
            beyond = beyond - here
        else:
            here, beyond = {0}, set()
        for o in rows.operands[v]:
            if is_constant[o]:
                continue
            wait = stage[v] - stage[o]
            is_beside = piece[o] == piece[v] >= 0
            if here:
                (inside if is_beside else outside)[o].update(wait + n for n in here)
            if beyond:
                outside[o].update(wait + n for n in beyond)
    return dict(inside), dict(outside)


def first_cycle(schedule: Schedule, v: int, read: set[int]) -> int:
    """When logic gives `v`: a cycle late if a register makes it, the reset of a mask or a ROM."""
    is_late = schedule.resets[v] or (schedule.is_rom is not None and schedule.is_rom[v])
    return int(is_late and 0 not in read)
