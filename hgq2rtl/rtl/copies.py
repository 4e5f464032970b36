"""The cycles in which each value is there as a signal, counted from its stage.

A value that logic makes is there from its first cycle to the last in which it is read: register
behind register. A wire is there just when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..schedule import Schedule
from ..schedule.reads import first_cycle, reads
from .delays import longest_row, places


class Copies:
    """The signals of every value, some in pieces that stand by themselves.

    Those that a piece itself reads are inside of it, further ones outside.
    """

    def __init__(
        self,
        schedule: Schedule,
        pieces: Iterable[Sequence[int]] = (),
        shift_register_length: int | None = None,
    ):
        piece = [-1] * len(schedule.program)
        for number, values in enumerate(pieces):
            for v in values:
                piece[v] = number
        self.schedule = schedule
        self.stage: list[int] = schedule.stage.tolist()
        self.is_wire: list[bool] = schedule.is_wire.tolist()
        self._longest_row = longest_row(shift_register_length)
        self._inside, self._outside = reads(schedule, piece)
        self._all = {v: self._places(v, self._read(v)) for v in {*self._inside, *self._outside}}

    def all(self, v: int) -> tuple[int, ...]:
        """All cycles, in order; a register in the middle of a long delay has none."""
        return self._all.get(v, ())

    def within(self, v: int) -> tuple[int, ...]:
        """Those inside of the piece."""
        inside = self._inside.get(v, set())
        if self.is_wire[v]:
            return tuple(sorted(inside))
        last = max(inside, default=0)
        return self._places(v, {n for n in self._read(v) if n <= last})

    def given(self, v: int) -> tuple[int, ...]:
        """Those inside of the piece that the outside knows too."""
        outside = self._outside.get(v, set())
        if self.is_wire[v]:
            return tuple(n for n in self.within(v) if n in outside)
        return self.within(v) if outside else ()

    def beyond(self, v: int) -> tuple[int, ...]:
        """Those outside of the piece; of logic behind the last one inside, which begins them."""
        within = self.within(v)
        if self.is_wire[v]:
            return tuple(n for n in self.all(v) if n not in within)
        return self.all(v)[len(within) - 1 :] if within else ()

    def driven(self, v: int, cycles: tuple[int, ...]) -> tuple[int, ...]:
        """Those of `cycles` in which the expression of `v` drives its signal."""
        return cycles if self.is_wire[v] else cycles[:1]

    def operand_stage(self, v: int, cycle: int) -> int:
        """The stage in which the expression reads its operands that drives `v` in `cycle`."""
        return self.stage[v] + cycle if self.is_wire[v] else self.stage[v]

    def _read(self, v: int) -> set[int]:
        return self._inside.get(v, set()) | self._outside.get(v, set())

    def _places(self, v: int, upto: set[int]) -> tuple[int, ...]:
        """Those that lead to the readers `upto`."""
        read = self._read(v)
        if self.is_wire[v] or not read:
            return tuple(sorted(upto))
        return places(first_cycle(self.schedule, v, read), upto, self._longest_row)
