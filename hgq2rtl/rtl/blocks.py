"""A module that a layer repeats: made of one copy, instantiated for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    EnableInserter,
    Fragment,
    Instance,
    Module,
    Signal,
    Value,
)

from ..schedule import Schedule
from .cells import Cells
from .options import CoreOptions
from .repeats import Copy, Repeat
from .wires import Wires


def local_name(value: int, later: int) -> str:
    """Of a block's n-th value, and of its registers."""
    return f"v{value}_d{later}" if later else f"v{value}"


class BlockModule:
    """Inputs ``x0, x1, ..``, values ``v0, v1, ..``: those that others read are outputs."""

    def __init__(
        self,
        name: str,
        schedule: Schedule,
        repeat: Repeat,
        options: CoreOptions,
        cells: Cells,
        attributes: Callable[[int], Mapping[str, Any]],
    ):
        self.name = name
        self.repeat = repeat
        self.options = options
        self.cells = cells
        self.enable = Signal(name="en")
        self.wires = wires = Wires(schedule)
        values, inputs = repeat.copies[0]
        self.inputs = [Signal(wires.shape(v), name=f"x{n}") for n, (v, _) in enumerate(inputs)]
        wires.signals.update(zip(inputs, self.inputs, strict=True))
        for n, v in enumerate(values):
            given = attributes(v)
            for later in range(repeat.inner[n] + 1):
                wires.signals[v, later] = Signal(
                    wires.shape(v),
                    name=local_name(n, later),
                    reset_less=True,
                    attrs=given if later == 0 else {},
                )

    @property
    def is_clocked(self) -> bool:
        return any(self.repeat.inner)

    @property
    def has_enable(self) -> bool:
        return self.options.has_enable and self.is_clocked

    def outputs(self, copy: Copy) -> Iterator[tuple[str, int, int]]:
        """Port, value and cycles later of what `copy` gives."""
        for n, v in enumerate(copy.values):
            if self.repeat.is_exported[n]:
                for later in range(self.repeat.inner[n] + 1):
                    yield local_name(n, later), v, later

    @property
    def port_list(self) -> list[Value]:
        controls = [(self.is_clocked, ClockSignal()), (self.has_enable, self.enable)]
        made = self.outputs(self.repeat.copies[0])
        return [
            *(signal for is_there, signal in controls if is_there),
            *self.inputs,
            *(self.wires.signals[v, later] for _, v, later in made),
        ]

    def fragment(self) -> Fragment:
        """The circuit, with an enable if the core has one."""
        m = Module()
        if self.is_clocked:
            m.domains += ClockDomain("sync", reset_less=True)
        values = self.repeat.copies[0].values
        self.wires.compute(m, values, self.options, self.cells)
        for v, inner in zip(values, self.repeat.inner, strict=True):
            m.d.sync += self.wires.delays(v, 0, inner)
        return Fragment.get(EnableInserter(self.enable)(m) if self.has_enable else m, None)

    def instance(self, copy: Copy, wires: Wires, enable: Signal) -> Instance:
        """One copy, between the signals of its layer."""
        controls = [(self.is_clocked, "clk", ClockSignal()), (self.has_enable, "en", enable)]
        inputs = {f"i_x{n}": wires.signals[read] for n, read in enumerate(copy.inputs)}
        outputs = {f"o_{port}": wires.signals[v, n] for port, v, n in self.outputs(copy)}
        given = {f"i_{name}": signal for is_there, name, signal in controls if is_there}
        return Instance(self.name, **given, **inputs, **outputs)
