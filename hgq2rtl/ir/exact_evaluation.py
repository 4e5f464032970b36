"""Evaluate values of a Program with Python ints: any width, and the meaning alone.

The twin of the native kernel: it looks at no format but to wrap a result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from ..fixed import wrap
from .operations import const, input_, lookup
from .program import Program, Value

_SAMPLES_AT_ONCE = 256
"""Enough to hide the loop over operations, few enough to stay in memory."""


def evaluate_exactly(
    program: Program, mantissas: Sequence[np.ndarray], samples: int, wanted: Sequence[int]
) -> list[list[int]]:
    """For each value of `wanted` its mantissa in every sample.

    Parameters
    ----------
    mantissas : one integer array (samples, fields) per input port
    """
    steps = [_Step(program[v]) for v in _needed(program, wanted)]
    dies_after = _last_uses(steps, set(wanted))
    columns: list[list[int]] = [[] for _ in wanted]
    for first in range(0, samples, _SAMPLES_AT_ONCE):
        block = [each[first : first + _SAMPLES_AT_ONCE] for each in mantissas]
        size = min(_SAMPLES_AT_ONCE, samples - first)
        for column, part in zip(columns, _run(steps, dies_after, block, size, wanted), strict=True):
            column += part
    return columns


def _run(
    steps: list[_Step],
    dies_after: dict[int, list[int]],
    mantissas: Sequence[np.ndarray],
    samples: int,
    wanted: Sequence[int],
) -> Iterator[list[int]]:
    columns: dict[int, list[int]] = {}
    for step in steps:
        columns[step.number] = step.run(columns, mantissas, samples)
        for v in dies_after.get(step.number, ()):
            del columns[v]
    return (columns[v] for v in wanted)


class _Step:
    """One value: its meaning, then its format."""

    def __init__(self, value: Value):
        self.number = value.number
        self.operation = value.operation
        self.operands = value.operands
        self.attributes = value.attributes
        self.lo = value.interval[0]
        self.width = value.format.width
        self.is_wrapping = value.is_wrapping
        self.meaning = _bound_meaning(value)

    def run(
        self, columns: dict[int, list[int]], mantissas: Sequence[np.ndarray], samples: int
    ) -> list[int]:
        if self.operation is const:
            return [self.lo] * samples
        if self.operation is input_:
            given = mantissas[self.attributes["port"]]
            made: list[int] = given[:, self.attributes["field"]].tolist()
        elif self.operands:
            made = list(map(self.meaning, *(columns[v] for v in self.operands)))
        else:
            made = [self.meaning()] * samples
        if self.is_wrapping:
            return [wrap(m, self.lo, self.width) for m in made]
        return made


def _bound_meaning(value: Value) -> Callable[..., int]:
    """``value.meaning`` with its attributes looked up once."""
    attributes = value.attributes
    if value.operation.meaning is None:
        return value.meaning
    if value.operation.has_weights:
        attributes = {"weights": value.weights}
    elif value.operation is lookup:
        attributes = {"table": value.program.tables[attributes["table"]]}
    return partial(value.operation.meaning, **attributes)


def _needed(program: Program, wanted: Sequence[int]) -> list[int]:
    is_needed = np.zeros(len(program), bool)
    is_needed[list(wanted)] = True
    for v in range(len(program) - 1, -1, -1):
        if is_needed[v]:
            is_needed[program.operands_of(v)] = True
    return np.flatnonzero(is_needed).tolist()


def _last_uses(steps: list[_Step], keep: set[int]) -> dict[int, list[int]]:
    """After which step which columns are no longer needed."""
    last = {v: step.number for step in steps for v in step.operands}
    dies: dict[int, list[int]] = {}
    for v, user in last.items():
        if v not in keep:
            dies.setdefault(user, []).append(v)
    return dies
