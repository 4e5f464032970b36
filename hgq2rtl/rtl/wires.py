"""The signals of values, and the circuit between them: what every module of a core consists of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from amaranth.hdl import Const, Module, Shape, Signal, Value

from ..ir.operations import mask, mul
from .cells import Cells
from .copies import Copies
from .delays import Delays
from .expressions import expression_of
from .options import CoreOptions
from .resets import IN_LUTS, IN_RESET
from .scope import Scope

Statement = Any
"""An Amaranth assignment: the class has no public name."""

Cycles = tuple[int, ...]
"""Since the stage of a value."""


@dataclass
class Wires:
    """The signal of each value in each cycle in which a module knows it."""

    copies: Copies
    options: CoreOptions
    cells: Cells
    delays: Delays
    enable: Signal | None
    """Of registers; without it they always move."""
    signals: dict[tuple[int, int], Signal] = field(default_factory=dict)
    """By value, and the cycles that have passed since its stage."""

    def __post_init__(self) -> None:
        self.program = self.copies.schedule.program

    def add(self, v: int, cycle: int, name: str) -> None:
        """Make the signal of `v` in a cycle."""
        attributes = self._attributes(v, cycle)
        self.signals[v, cycle] = Signal(self.shape(v), name=name, reset_less=True, attrs=attributes)

    def at(self, v: int, stage: int) -> Value:
        """`v` as `stage` reads it."""
        lo, hi = self.program.interval(v)
        if lo == hi:
            return Const(lo, self.shape(v))
        return self.signals[v, stage - self.copies.stage[v]]

    def shape(self, v: int) -> Shape:
        """Width and sign."""
        format = self.program.format(v)
        return Shape(format.width, format.is_signed)

    def compute(self, m: Module, values: Iterable[tuple[int, Cycles]]) -> None:
        """Drive values from their operands, in all cycles that are no copy of an earlier one."""
        statements: list[Statement] = []
        for v, cycles in values:
            for cycle in self.copies.driven(v, cycles):
                self._drive(m, v, cycle, statements)
        m.d.comb += statements

    def _drive(self, m: Module, v: int, cycle: int, statements: list[Statement]) -> None:
        value, target = self.program[v], self.signals[v, cycle]
        stage = self.copies.operand_stage(v, cycle)
        operands = [self.at(o, stage) for o in value.operands]
        is_clocked = bool(cycle) and not self.copies.is_wire[v]
        scope = Scope(m, self.options, self.cells, target, statements, is_clocked, self.enable)
        result = expression_of[value.operation](scope, value, *operands, **value.attributes)
        if result is not None:
            statements.append(target.eq(result))

    def delay(self, m: Module, values: Iterable[tuple[int, Cycles]]) -> list[Statement]:
        """Lead values from cycle to cycle; gives the clocked assignments."""
        clocked: list[Statement] = []
        for v, cycles in values:
            if self.copies.is_wire[v]:
                continue
            for earlier, later in pairwise(cycles):
                before, after = self.signals[v, earlier], self.signals[v, later]
                if later == earlier + 1:
                    clocked.append(after.eq(before))
                else:
                    m.submodules[f"delay_{after.name}"] = self.delays.instance(
                        later - earlier, before, after, self.enable
                    )
        return clocked

    def _attributes(self, v: int, cycle: int) -> Mapping[str, Any]:
        """What synthesis tools are told about the signal of `v`."""
        which = self.program.rows.operation[v]
        if which is mul and cycle == 0:
            layer = self.program.rows.provenance[v][0]
            name = self.program.layers[layer].name if layer >= 0 else ""
            return self.options.product_attributes(name)
        if which is mask and cycle == 1:
            schedule = self.copies.schedule
            if self.copies.all(v)[0] == 1:
                return IN_RESET
            return {} if schedule.most_control_sets is None else IN_LUTS
        return {}
