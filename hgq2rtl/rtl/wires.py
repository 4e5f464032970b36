"""The signals of values, and the circuit between them: what every module of a core consists of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from amaranth.hdl import Const, Module, Shape, Signal, Value

from ..ir.operations import output
from ..schedule import Schedule
from .cells import Cells
from .expressions import expression_of
from .options import CoreOptions
from .scope import Scope

Statement = Any
"""An Amaranth assignment: the class has no public name."""


@dataclass
class Wires:
    """The signal of each value in each stage where a module knows it."""

    schedule: Schedule
    signals: dict[tuple[int, int], Signal] = field(default_factory=dict)
    """By value, and the cycles that have passed since it was computed."""

    @cached_property
    def stage(self) -> list[int]:
        """The stage of every value."""
        stage: list[int] = self.schedule.stage.tolist()
        return stage

    def at(self, v: int, stage: int) -> Value:
        """`v` as `stage` reads it: itself, or one of its registers."""
        lo, hi = self.schedule.program.interval(v)
        if lo == hi:
            return Const(lo, self.shape(v))
        return self.signals[v, stage - self.stage[v]]

    def shape(self, v: int) -> Shape:
        """Width and sign."""
        format = self.schedule.program.format(v)
        return Shape(format.width, format.is_signed)

    def compute(self, m: Module, values: Iterable[int], options: CoreOptions, cells: Cells) -> None:
        """Drive every value from its operands."""
        program = self.schedule.program
        statements: list[Statement] = []
        for v in values:
            value = program[v]
            operands = [self.at(o, self.stage[v]) for o in value.operands]
            target = self.signals[v, 0]
            scope = Scope(m, options, cells, target, statements)
            result = expression_of[value.operation](scope, value, *operands, **value.attributes)
            if result is not None:
                statements.append(target.eq(result))
        m.d.comb += statements

    def delays(self, v: int, first: int, last: int) -> list[Statement]:
        """The clocked assignments that make the registers of `v` after the `first`."""
        return [self.signals[v, n + 1].eq(self.signals[v, n]) for n in range(first, last)]

    def reads(self) -> dict[int, set[int]]:
        """Of each value, the cycles after it was computed at which something reads it."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        program = self.schedule.program
        counts = np.diff(program.start)
        waits = np.repeat(self.schedule.stage, counts) - self.schedule.stage[program.operand]
        is_output = np.repeat(program.operation == output.code, counts)
        last = self.schedule.stages - 1 - self.schedule.stage[program.operand]
        for v, wait in zip(
            program.operand.tolist(), np.where(is_output, last, waits).tolist(), strict=True
        ):
            found[v].add(wait)
        return found
