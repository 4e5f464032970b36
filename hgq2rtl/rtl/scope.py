"""Where the circuit of one value is built."""

from __future__ import annotations

from typing import Any, NamedTuple

from amaranth.hdl import Module, Signal, Value

from .cells import Cells
from .options import CoreOptions


class Scope(NamedTuple):
    """What an expression may use besides its operands."""

    module: Module
    options: CoreOptions
    cells: Cells
    target: Signal
    """The value's own wire."""
    statements: list[Any]
    """Assignments, which the module takes all at once: each time costs."""
    is_clocked: bool = False
    """Whether the target is a register, which the expression itself makes."""
    enable: Signal | None = None
    """Of registers; without it they always move."""

    def instance(self, cell: str, **connections: Any) -> None:
        """Drive the target, or with ``o_o`` what is given there, by a cell."""
        connections.setdefault("o_o", self.target)
        name = f"{cell}_{self.target.name}"
        self.module.submodules[name] = self.cells.instance(cell, **connections)

    def wire(self, what: str, value: Value, width: int) -> Signal:
        """`value` on a wire of its own, named after the target."""
        made = Signal(width, name=f"{self.target.name}_{what}")
        self.statements.append(made.eq(value))
        return made
