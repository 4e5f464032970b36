"""Which pieces of a layer are alike, so that one module serves all of them.

Two pieces are alike if their values are, one by one: operation, attributes,
weights, width and sign, the cycles that pass before each is read, and whether others
read it. Neither stages nor elements nor names enter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..ir.operations import lookup
from ..schedule import Schedule
from .pieces import pieces_by_layer

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
    inner: list[int]
    """By value: registers of it that a copy itself still reads; further ones lie outside."""
    is_exported: list[bool]
    """By value: whether something outside reads it."""


Form = tuple[tuple[object, ...], ...]
"""What alike pieces have in common: a row for each value, then one for the inputs."""


def find_repeats(schedule: Schedule, computed: Iterable[int]) -> list[Repeat]:
    """All that make the text shorter with a module of their own.

    `computed` are the values of the Program that are neither ports nor constants.
    """
    pieces = pieces_by_layer(schedule.program, computed)
    reader = _Reader(schedule, [piece for each in pieces.values() for piece in each])
    repeats = []
    for layer, candidates in pieces.items():
        alike: defaultdict[Form, list[Copy]] = defaultdict(list)
        for piece in candidates if len(candidates) > 1 else ():
            if reader.lines(piece) >= LEAST_LINES:
                form, copy = reader.form(piece)
                alike[form].append(copy)
        repeats += [
            reader.repeat(layer, copies) for copies in alike.values() if reader.pays(copies)
        ]
    return repeats


class _Reader:
    """Describes pieces."""

    def __init__(self, schedule: Schedule, pieces: Sequence[list[int]]):
        program = schedule.program
        self.rows = program.rows
        self.start: list[int] = program.start.tolist()
        self.weight: list[int] = program.weight.tolist()
        self.widths = program.widths().tolist()
        self.stage = schedule.stage.tolist()
        piece_of = np.full(len(program), -1)
        for number, piece in enumerate(pieces):
            piece_of[piece] = number
        reader = np.repeat(np.arange(len(program)), np.diff(program.start))
        is_inside = piece_of[program.operand] == piece_of[reader]
        exported = np.zeros(len(program), bool)
        exported[program.operand[~is_inside]] = True
        inner = np.zeros(len(program), np.int64)
        waits = schedule.stage[reader] - schedule.stage[program.operand]
        np.maximum.at(inner, program.operand[is_inside], waits[is_inside])
        self.exported: list[bool] = exported.tolist()
        self.inner: list[int] = inner.tolist()

    def form(self, piece: list[int]) -> tuple[Form, Copy]:
        """What the piece has in common with others, and what it has not."""
        local = {v: n for n, v in enumerate(piece)}
        inputs: dict[tuple[int, int], int] = {}
        form: list[tuple[object, ...]] = []
        for v in piece:
            operands: list[tuple[object, ...]] = []
            for o in self.rows.operands[v]:
                lo, hi = self.rows.interval[o]
                later = self.stage[v] - self.stage[o]
                if lo == hi:
                    operands.append(("const", lo))
                elif o in local:
                    operands.append((local[o], later))
                else:
                    operands.append(("input", inputs.setdefault((o, later), len(inputs))))
            weights = self.weight[self.start[v] : self.start[v + 1]]
            what = (self.rows.operation[v].code, *self.rows.attribute[v], *weights)
            form.append((what, *self._wire(v), self.inner[v], self.exported[v], *operands))
        form.append(tuple(self._wire(o) for o, _ in inputs))
        return tuple(form), Copy(piece, list(inputs))

    def _wire(self, v: int) -> tuple[int, bool]:
        """Width and sign."""
        return self.widths[v], self.rows.interval[v][0] < 0

    def repeat(self, layer: int, copies: list[Copy]) -> Repeat:
        """Of copies of one form."""
        first = copies[0].values
        return Repeat(
            layer, copies, [self.inner[v] for v in first], [self.exported[v] for v in first]
        )

    def lines(self, piece: list[int]) -> int:
        """Verilog lines of a piece: a declaration and an assignment a wire, three a register."""
        words = sum(
            1 << self.widths[self.rows.operands[v][0]]
            for v in piece
            if self.rows.operation[v] is lookup
        )
        return words + sum(2 + 3 * self.inner[v] for v in piece)

    def pays(self, copies: list[Copy]) -> bool:
        """Whether one module with an instance for each copy is shorter than the copies."""
        values, inputs = copies[0]
        ports = len(inputs) + sum(1 + self.inner[v] for v in values if self.exported[v])
        own, frame = self.lines(values), 4
        return len(copies) * own > own + 2 * ports + frame + len(copies) * (ports + frame)
