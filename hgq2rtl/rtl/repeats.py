"""Which pieces of a layer are alike, so that one module serves all of them.

Two pieces are alike if their values are, one by one: operation, attributes,
weights, width and sign, the cycles in which each is there and read, and whether
others read it. Neither stages nor elements nor names enter.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from ..ir.operations import lookup
from .copies import Copies

LEAST_LINES = 20
"""Of Verilog: a shorter piece is as easily read where it stands."""


class Copy(NamedTuple):
    """One piece among others like it."""

    values: list[int]
    inputs: list[tuple[int, int]]
    """What it reads from outside: (value, cycles later)."""


@dataclass(frozen=True)
class Repeat:
    """Pieces of a layer that are alike: the n-th values of all copies are the same circuit."""

    layer: int
    copies: list[Copy]
    within: list[tuple[int, ...]]
    """By value: the cycles in which a copy itself knows it; further ones lie outside."""
    given: list[tuple[int, ...]]
    """By value: those of these that the outside knows too."""


Form = tuple[tuple[object, ...], ...]
"""What alike pieces have in common: a row for each value, then one for the inputs."""


def find_repeats(copies: Copies, pieces: dict[int, list[list[int]]]) -> list[Repeat]:
    """All that make the text shorter with a module of their own.

    `pieces` are those that `copies` knows, by layer.
    """
    reader = _Reader(copies)
    repeats = []
    for layer, candidates in pieces.items():
        alike: defaultdict[Form, list[Copy]] = defaultdict(list)
        for piece in candidates if len(candidates) > 1 else ():
            if reader.lines(piece) >= LEAST_LINES:
                form, copy = reader.form(piece)
                alike[form].append(copy)
        for members in alike.values():
            repeat = reader.repeat(layer, members)
            if reader.pays(repeat):
                repeats.append(repeat)
    return repeats


class _Reader:
    """Describes pieces."""

    def __init__(self, copies: Copies):
        program = copies.schedule.program
        self.copies = copies
        self.rows = program.rows
        self.start: list[int] = program.start.tolist()
        self.weight: list[int] = program.weight.tolist()
        self.widths = program.widths().tolist()

    def form(self, piece: list[int]) -> tuple[Form, Copy]:
        """What the piece has in common with others, and what it has not."""
        local = {v: n for n, v in enumerate(piece)}
        inputs: dict[tuple[int, int], int] = {}
        form: list[tuple[object, ...]] = []
        for v in piece:
            within = self.copies.within(v)
            operands = [
                self._operand(o, self.copies.operand_stage(v, cycle), local, inputs)
                for cycle in self.copies.driven(v, within)
                for o in self.rows.operands[v]
            ]
            weights = self.weight[self.start[v] : self.start[v + 1]]
            what = (self.rows.operation[v].code, *self.rows.attribute[v], *weights)
            form.append((what, *self._wire(v), within, self.copies.given(v), *operands))
        form.append(tuple(self._wire(o) for o, _ in inputs))
        return tuple(form), Copy(piece, list(inputs))

    def _operand(
        self, o: int, stage: int, local: dict[int, int], inputs: dict[tuple[int, int], int]
    ) -> tuple[object, ...]:
        lo, hi = self.rows.interval[o]
        if lo == hi:
            return "const", lo
        cycle = stage - self.copies.stage[o]
        if o in local:
            return local[o], cycle
        return "input", inputs.setdefault((o, cycle), len(inputs))

    def _wire(self, v: int) -> tuple[int, bool]:
        """Width and sign."""
        return self.widths[v], self.rows.interval[v][0] < 0

    def repeat(self, layer: int, members: list[Copy]) -> Repeat:
        """Of copies of one form."""
        first = members[0].values
        within = [self.copies.within(v) for v in first]
        return Repeat(layer, members, within, [self.copies.given(v) for v in first])

    def lines(self, piece: list[int]) -> int:
        """Verilog lines of a piece: a declaration and an assignment a wire, three a register."""
        words = sum(
            1 << self.widths[self.rows.operands[v][0]]
            for v in piece
            if self.rows.operation[v] is lookup
        )
        return words + sum(self._lines(v) for v in piece)

    def _lines(self, v: int) -> int:
        within = self.copies.within(v)
        wires = len(self.copies.driven(v, within))
        return 2 * wires + 3 * (len(within) - wires)

    def pays(self, repeat: Repeat) -> bool:
        """Whether one module with an instance for each copy is shorter than the copies."""
        values, inputs = repeat.copies[0]
        ports = len(inputs) + sum(len(given) for given in repeat.given)
        count, own, frame = len(repeat.copies), self.lines(values), 4
        return count * own > own + 2 * ports + frame + count * (ports + frame)
