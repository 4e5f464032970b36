"""A module that a layer repeats: made of one copy, instantiated for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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

from .repeats import Copy, Repeat
from .wires import Wires


def local_name(value: int, cycle: int) -> str:
    """Of a block's n-th value in a cycle."""
    return f"v{value}_d{cycle}" if cycle else f"v{value}"


class BlockModule:
    """Inputs ``x0, x1, ..``, values ``v0, v1, ..``: those that others read are outputs.

    `outside` are the wires of the core.
    """

    def __init__(self, name: str, repeat: Repeat, outside: Wires):
        self.name = name
        self.repeat = repeat
        values, inputs = repeat.copies[0]
        is_wire = outside.copies.is_wire
        self.values = list(zip(values, repeat.within, strict=True))
        self.is_clocked = any(cycles[-1:] > (0,) and not is_wire[v] for v, cycles in self.values)
        enable = Signal(name="en") if outside.enable is not None and self.is_clocked else None
        self.wires = wires = replace(outside, enable=enable, signals={})
        self.inputs = [Signal(wires.shape(v), name=f"x{n}") for n, (v, _) in enumerate(inputs)]
        wires.signals.update(zip(inputs, self.inputs, strict=True))
        for n, (v, cycles) in enumerate(self.values):
            for cycle in cycles:
                wires.add(v, cycle, local_name(n, cycle))

    def outputs(self, copy: Copy) -> Iterator[tuple[str, int, int]]:
        """Port, value and cycle of what `copy` gives."""
        for n, (v, cycles) in enumerate(zip(copy.values, self.repeat.given, strict=True)):
            for cycle in cycles:
                yield local_name(n, cycle), v, cycle

    @property
    def port_list(self) -> list[Value]:
        controls = [ClockSignal()] if self.is_clocked else []
        if self.wires.enable is not None:
            controls.append(self.wires.enable)
        made = self.outputs(self.repeat.copies[0])
        return [*controls, *self.inputs, *(self.wires.signals[v, cycle] for _, v, cycle in made)]

    def fragment(self) -> Fragment:
        """The circuit, with an enable if the core has one."""
        m = Module()
        if self.is_clocked:
            m.domains += ClockDomain("sync", reset_less=True)
        self.wires.compute(m, self.values)
        m.d.sync += self.wires.delay(m, self.values)
        enable = self.wires.enable
        return Fragment.get(m if enable is None else EnableInserter(enable)(m), None)

    def instance(self, copy: Copy, wires: Wires) -> Instance:
        """One copy, between the signals of its layer."""
        given: dict[str, Value] = {"i_clk": ClockSignal()} if self.is_clocked else {}
        if self.wires.enable is not None and wires.enable is not None:
            given["i_en"] = wires.enable
        inputs = {f"i_x{n}": wires.signals[read] for n, read in enumerate(copy.inputs)}
        outputs = {f"o_{port}": wires.signals[v, n] for port, v, n in self.outputs(copy)}
        return Instance(self.name, **given, **inputs, **outputs)
