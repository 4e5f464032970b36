"""The core as Amaranth components: one module per layer, registers by schedule."""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Const,
    Elaboratable,
    EnableInserter,
    Module,
    Mux,
    Shape,
    Signal,
    Value,
)

from ..ir.operations import const, input_, output
from ..schedule import Schedule
from .expressions import expression_of
from .names import unique_identifiers
from .ports import CONTROL_NAMES, CorePorts

INSTANCE = "u_"
"""Before a layer's name: instances and ports share one name space, and an output is often
called like the layer that makes it."""

Statement = Any
"""An Amaranth assignment: the class has no public name."""


@dataclass(frozen=True)
class CoreOptions:
    """Control ports of a pipelined core."""

    has_enable: bool = False
    has_valid: bool = False
    has_valid_reset: bool = False


@dataclass
class Wires:
    """The signal of each value in each stage where it is read."""

    schedule: Schedule
    delayed: dict[int, list[Value]] = field(default_factory=dict)

    def at(self, v: int, stage: int) -> Value:
        """`v` as `stage` reads it: itself, or one of its registers."""
        program = self.schedule.program
        lo, hi = program.interval(v)
        if lo == hi:
            format = program.format(v)
            return Const(lo, Shape(format.width, format.is_signed))
        return self.delayed[v][stage - int(self.schedule.stage[v])]

    def delays(self, v: int) -> list[Statement]:
        """The clocked assignments along the registers of `v`."""
        copies = self.delayed[v]
        return [after.eq(before) for before, after in zip(copies, copies[1:], strict=False)]


class LayerModule(Elaboratable):
    """All values of one layer, and the registers that delay them."""

    def __init__(self, wires: Wires, values: list[int]):
        self.wires = wires
        self.values = values

    def elaborate(self, platform: object) -> Module:
        m = Module()
        program, schedule = self.wires.schedule.program, self.wires.schedule
        for v in self.values:
            value = program[v]
            stage = int(schedule.stage[v])
            operands = [self.wires.at(o, stage) for o in value.operands]
            made = expression_of[value.operation](m, value, *operands, **value.attributes)
            m.d.comb += self.wires.delayed[v][0].eq(made)
            m.d.sync += self.wires.delays(v)
        return m


class Core:
    """The whole pipeline: names and signals at once, the circuit when :meth:`module` is called.

    Ports are the attributes `inputs`, `outputs` and the controls.
    """

    def __init__(self, schedule: Schedule, ports: CorePorts, options: CoreOptions):
        self.schedule = schedule
        self.ports = ports
        self.options = options
        self.wires = Wires(schedule)
        self.inputs = [Signal(bus.width, name=bus.port) for bus in ports.inputs]
        self.outputs = [Signal(bus.width, name=bus.port) for bus in ports.outputs]
        self.enable = Signal(name="en")
        self.reset = Signal(name="rst")
        self.valid_in = Signal(name="valid_in")
        self.valid_out = Signal(name="valid_out")
        self._taken = {*CONTROL_NAMES, *(signal.name for signal in (*self.inputs, *self.outputs))}
        self.stems: dict[int, str] = {}
        """Plain name of each layer that has values: its values' names begin so."""
        self.instances: dict[int, str] = {}
        """Name of each layer's instance."""
        self._name_layers()
        self._make_signals()

    @property
    def port_list(self) -> list[Value]:
        controls = [
            (not self.schedule.is_combinational, ClockSignal()),
            (self.options.has_enable, self.enable),
            (self.options.has_valid_reset, self.reset),
            (self.options.has_valid, self.valid_in),
            (self.options.has_valid, self.valid_out),
        ]
        return [signal for is_there, signal in controls if is_there] + self.inputs + self.outputs

    # -- names and signals -------------------------------------------------

    def _name_layers(self) -> None:
        program = self.schedule.program
        layers = sorted(set(program.layer[self._is_computed()].tolist()))
        names = ["logic" if n < 0 else program.layers[n].name for n in layers]
        self.stems = dict(zip(layers, unique_identifiers(names), strict=True))
        self.instances = {layer: self._free(INSTANCE + stem) for layer, stem in self.stems.items()}

    def _free(self, name: str) -> str:
        """`name`, or where a port of the model has it, `name` and a number.

        No name from :mod:`.names` holds two underscores in a row, so no other layer is met.
        """
        candidate, number = name, 1
        while candidate in self._taken:
            number += 1
            candidate = f"{name}__{number}"
        self._taken.add(candidate)
        return candidate

    def _is_computed(self) -> list[bool]:
        program = self.schedule.program
        outside = {input_.code, output.code, const.code}
        return [
            code not in outside and lo != hi
            for code, lo, hi in zip(
                program.operation.tolist(), program.lo.tolist(), program.hi.tolist(), strict=True
            )
        ]

    def _make_signals(self) -> None:
        program = self.schedule.program
        widths = program.widths().tolist()
        counts = self.schedule.registers.tolist()
        for v, (code, lo, hi) in enumerate(
            zip(program.operation.tolist(), program.lo.tolist(), program.hi.tolist(), strict=True)
        ):
            if lo == hi or code in (const.code, output.code):
                continue
            shape = Shape(widths[v], lo < 0)
            name = self._value_name(v)
            self.wires.delayed[v] = [
                Signal(shape, name=self._free(f"{name}_d{n}" if n else name), reset_less=True)
                for n in range(counts[v] + 1)
            ]

    def _value_name(self, v: int) -> str:
        """Layer, element and number: unique in the design, readable in a wave viewer."""
        program = self.schedule.program
        layer, element = int(program.layer[v]), int(program.element[v])
        stem = self.stems.get(layer, "in")
        if program.operation[v] == input_.code:
            port = self.ports.inputs[int(program.attribute[v, 0])].port
            stem = f"{port}_in"
        return f"{stem}_{max(element, 0)}_v{v}"

    # -- structure ---------------------------------------------------------

    def module(self) -> Module:
        """The top module with everything below it."""
        m = Module()
        if not self.schedule.is_combinational:
            m.domains += ClockDomain("sync", reset_less=True)
        clocked = self._connect_inputs(m)
        for layer, values in self._values_by_layer().items():
            module = LayerModule(self.wires, values)
            m.submodules[self.instances[layer]] = (
                EnableInserter(self.enable)(module) if self.options.has_enable else module
            )
        clocked += self._connect_outputs(m)
        with m.If(self.enable) if self.options.has_enable else nullcontext():
            m.d.sync += clocked
        if self.options.has_valid:
            self._connect_valid(m)
        return m

    def _values_by_layer(self) -> dict[int, list[int]]:
        layers: defaultdict[int, list[int]] = defaultdict(list)
        layer = self.schedule.program.layer.tolist()
        for v, is_computed in enumerate(self._is_computed()):
            if is_computed:
                layers[layer[v]].append(v)
        return layers

    def _connect_inputs(self, m: Module) -> list[Statement]:
        """Wire each field of the input buses; gives the clocked assignments."""
        program = self.schedule.program
        buses, clocked = self.inputs, []
        if self.schedule.has_input_register:
            buses = [
                Signal(len(bus), name=self._free(f"{bus.name}_q"), reset_less=True)
                for bus in self.inputs
            ]
            clocked = [after.eq(bus) for after, bus in zip(buses, self.inputs, strict=True)]
        for v in program.values_of(input_).tolist():
            if program.is_constant(v):
                continue
            given = program[v].attributes
            place = self.ports.inputs[given["port"]].fields[given["field"]]
            bits = buses[given["port"]][place.offset : place.offset + place.width]
            m.d.comb += self.wires.delayed[v][0].eq(bits)
            clocked += self.wires.delays(v)
        return clocked

    def _connect_outputs(self, m: Module) -> list[Statement]:
        """Drive each field of the output buses; gives the clocked assignments."""
        program, assignments = self.schedule.program, []
        for v in program.values_of(output).tolist():
            given = program[v].attributes
            place = self.ports.outputs[given["port"]].fields[given["field"]]
            if place.width:
                wire = self.wires.at(program.operands_of(v)[0], self.schedule.stages - 1)
                bus = self.outputs[given["port"]]
                assignments.append(bus[place.offset : place.offset + place.width].eq(wire))
        # A bus whose numbers all have no bits is there, and 0: else it would be no output.
        m.d.comb += [
            signal.eq(0)
            for signal, bus in zip(self.outputs, self.ports.outputs, strict=True)
            if not any(field.width for field in bus.fields)
        ]
        if self.schedule.has_output_register:
            return assignments
        m.d.comb += assignments
        return []

    def _connect_valid(self, m: Module) -> None:
        """One bit beside the data: 0 at power-up, advanced by the enable, cleared by the reset."""
        before: Value = self.valid_in
        for n in range(self.schedule.latency_cycles):
            after = Signal(name=self._free(f"valid_d{n + 1}"))
            following = Mux(self.enable, before, after) if self.options.has_enable else before
            if self.options.has_valid_reset:
                following = Mux(self.reset, 0, following)
            m.d.sync += after.eq(following)
            before = after
        m.d.comb += self.valid_out.eq(before)
