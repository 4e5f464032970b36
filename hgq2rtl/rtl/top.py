"""The core as Amaranth components: one module per layer, registers by schedule.

What a layer repeats is one more module (:mod:`.blocks`), with an instance for
each copy in the module of the layer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
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
    Signal,
    Value,
)

from ..ir.operations import const, input_, mul, output
from ..schedule import Schedule
from .blocks import BlockModule, local_name
from .cells import Cells
from .delays import delay, steps
from .names import unique_identifiers
from .options import CoreOptions
from .pairs import find_pairs
from .ports import CONTROL_NAMES, CorePorts
from .repeats import Copy, find_repeats
from .wires import Statement, Wires

INSTANCE = "u_"
"""Before a layer's name: instances and ports share one name space, and an output is often
called like the layer that makes it."""


@dataclass
class LayerParts:
    """What a layer's module holds."""

    values: list[int] = field(default_factory=list)
    """Those that stand in the module itself."""
    copies: list[tuple[str, BlockModule, Copy]] = field(default_factory=list)
    """Instances of repeated blocks, by name."""


class LayerModule(Elaboratable):
    """All values of one layer, and the registers that delay them."""

    def __init__(self, core: Core, parts: LayerParts):
        self.core = core
        self.parts = parts

    def elaborate(self, platform: object) -> Module:
        m = Module()
        core, wires = self.core, self.core.wires
        wires.compute(m, self.parts.values, core.options, core.cells)
        clocked = [d for v in self.parts.values for d in core.delays(m, v)]
        for name, block, copy in self.parts.copies:
            m.submodules[name] = block.instance(copy, wires, core.enable)
            for n, v in enumerate(copy.values):
                if block.repeat.is_exported[n]:
                    clocked += core.delays(m, v, block.repeat.inner[n])
        m.d.sync += clocked
        return m


class Core:
    """The whole pipeline: names and signals at once, the circuit when :meth:`module` is called.

    Ports are the attributes `inputs`, `outputs` and the controls.
    """

    def __init__(self, schedule: Schedule, ports: CorePorts, options: CoreOptions, top: str):
        self.schedule = schedule
        self.ports = ports
        self.options = options
        self.top = top
        self.wires = Wires(schedule)
        self.cells = Cells(top, find_pairs(schedule) if options.has_primitives else ())
        self.registers: list[int] = schedule.registers.tolist()
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
        self.names: dict[int, dict[int, str]] = {}
        """Names of each value's signal and registers by the cycles since it was computed, in the
        module of its layer; those inside a repeated block behind the name of its instance and a
        dot. Registers in the middle of a long delay have none."""
        self.steps: dict[int, list[tuple[int, int]]] = {}
        """From register to register of each value, in cycles since it was computed."""
        self.has_long_delays = False
        self.blocks: list[BlockModule] = []
        self.layers: defaultdict[int, LayerParts] = defaultdict(LayerParts)
        self._name_layers()
        self._find_blocks()
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

    def delays(self, m: Module, v: int, first: int = 0) -> list[Statement]:
        """Make the registers of `v` after the `first`; gives the clocked assignments."""
        clocked, signals = [], self.wires.signals
        enable = self.enable if self.options.has_enable else Const(1)
        for before, after in self.steps[v]:
            if before < first:
                continue
            if after - before == 1:
                clocked.append(signals[v, after].eq(signals[v, before]))
            else:
                m.submodules += delay(
                    self.top, after - before, signals[v, before], signals[v, after], enable
                )
                self.has_long_delays = True
        return clocked

    # -- names and signals -------------------------------------------------

    def _computed(self) -> list[int]:
        """Values that need a circuit."""
        rows = self.schedule.program.rows
        outside = (input_, output, const)
        return [
            v
            for v, (which, (lo, hi)) in enumerate(zip(rows.operation, rows.interval, strict=True))
            if which not in outside and lo != hi
        ]

    def _name_layers(self) -> None:
        program = self.schedule.program
        layers = sorted(set(program.layer[self._computed()].tolist()))
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

    def _find_blocks(self) -> None:
        """Divide the values of each layer between its own module and those that it repeats."""
        computed = self._computed()
        counts: defaultdict[int, int] = defaultdict(int)
        covered: set[int] = set()
        for repeat in find_repeats(self.schedule, computed):
            counts[repeat.layer] += 1
            stem = self.stems[repeat.layer]
            name = f"{self.top}__{stem}__block_{counts[repeat.layer]}"
            block = BlockModule(
                name, self.schedule, repeat, self.options, self.cells, self._product_attributes
            )
            self.blocks.append(block)
            for copy in repeat.copies:
                covered.update(copy.values)
                element = self._first_element(block, copy)
                instance = self._free(f"{INSTANCE}{stem}_{element}")
                self.layers[repeat.layer].copies.append((instance, block, copy))
                self._name_copy(instance, block, copy)
        layer = self.schedule.program.layer.tolist()
        for v in computed:
            if v not in covered:
                self.layers[layer[v]].values.append(v)

    def _first_element(self, block: BlockModule, copy: Copy) -> int:
        """The first element of the layer's result that a copy gives."""
        provenance = self.schedule.program.rows.provenance
        return max(0, min((provenance[v][1] for _, v, _ in block.outputs(copy)), default=0))

    def _name_copy(self, instance: str, block: BlockModule, copy: Copy) -> None:
        """Names of what stays inside of a copy."""
        for n, v in enumerate(copy.values):
            if not block.repeat.is_exported[n]:
                self.names[v] = {
                    later: f"{instance}.{local_name(n, later)}"
                    for later in range(self.registers[v] + 1)
                }

    def _make_signals(self) -> None:
        reads = self.wires.reads()
        inner = {
            v: block.repeat.inner[n]
            for parts in self.layers.values()
            for _, block, copy in parts.copies
            for n, v in enumerate(copy.values)
        }
        for v in sorted({*self.schedule.program.values_of(input_).tolist(), *self._computed()}):
            if v in self.names or self.schedule.program.is_constant(v):
                continue
            name, shape = self._value_name(v), self.wires.shape(v)
            attributes = self._product_attributes(v)
            self.steps[v] = list(steps(reads.get(v, ()), inner.get(v, 0)))
            places = [0, *(after for _, after in self.steps[v])]
            for n in places:
                self.wires.signals[v, n] = Signal(
                    shape,
                    name=self._free(f"{name}_d{n}" if n else name),
                    reset_less=True,
                    attrs=attributes if n == 0 else {},
                )
            self.names[v] = {n: self.wires.signals[v, n].name for n in places}

    def _product_attributes(self, v: int) -> Mapping[str, Any]:
        """What synthesis tools are told about the wire of `v`."""
        program = self.schedule.program
        if program.rows.operation[v] is not mul:
            return {}
        layer = program.rows.provenance[v][0]
        return self.options.product_attributes(program.layers[layer].name if layer >= 0 else "")

    def _value_name(self, v: int) -> str:
        """Layer, element and number: unique in the design, readable in a wave viewer."""
        rows = self.schedule.program.rows
        layer, element = rows.provenance[v]
        stem = self.stems.get(layer, "in")
        if rows.operation[v] is input_:
            port = self.ports.inputs[rows.attribute[v][0]].port
            stem = f"{port}_in"
        return f"{stem}_{max(element, 0)}_v{v}"

    # -- structure ---------------------------------------------------------

    def module(self) -> Module:
        """The top module with everything below it."""
        m = Module()
        if not self.schedule.is_combinational:
            m.domains += ClockDomain("sync", reset_less=True)
        clocked = self._connect_inputs(m)
        for layer, instance in self.instances.items():
            module = LayerModule(self, self.layers[layer])
            m.submodules[instance] = (
                EnableInserter(self.enable)(module) if self.options.has_enable else module
            )
        clocked += self._connect_outputs(m)
        with m.If(self.enable) if self.options.has_enable else nullcontext():
            m.d.sync += clocked
        if self.options.has_valid:
            self._connect_valid(m)
        return m

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
            m.d.comb += self.wires.signals[v, 0].eq(bits)
            clocked += self.delays(m, v)
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
