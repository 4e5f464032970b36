"""The core as Amaranth components: one module per layer, registers by schedule.

What a layer repeats is one more module (:mod:`.blocks`), with an instance for
each copy in the module of the layer.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, field

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Elaboratable,
    EnableInserter,
    Module,
    Mux,
    Signal,
    Value,
)

from ..ir.operations import const, input_, output
from ..schedule import Schedule
from .blocks import BlockModule, local_name
from .cells import Cells
from .copies import Copies
from .delays import Delays
from .names import unique_identifiers
from .options import CoreOptions
from .pairs import find_pairs
from .pieces import pieces_by_layer
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
        wires, copies = self.core.wires, self.core.copies
        own = [(v, copies.all(v)) for v in self.parts.values]
        blocks = self.parts.copies
        rest = [(v, copies.beyond(v)) for _, _, copy in blocks for v in copy.values]
        wires.compute(m, own)
        wires.compute(m, [(v, cycles) for v, cycles in rest if copies.is_wire[v]])
        for name, block, copy in blocks:
            m.submodules[name] = block.instance(copy, wires)
        m.d.sync += wires.delay(m, own + rest)
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
        self.names: defaultdict[int, dict[int, str]] = defaultdict(dict)
        """Names of each value's signals by the cycles since its stage, in the module of its layer;
        those inside a repeated block behind the name of its instance and a dot. Registers in the
        middle of a long delay have none."""
        self.blocks: list[BlockModule] = []
        self.layers: defaultdict[int, LayerParts] = defaultdict(LayerParts)
        self._name_layers()
        pieces = pieces_by_layer(schedule.program, self._computed())
        each = [piece for of_layer in pieces.values() for piece in of_layer]
        length = options.shift_register_length
        self.copies = Copies(schedule, each, length)
        self.delays = Delays(top, length)
        self.cells = Cells(top, find_pairs(self.copies) if options.has_primitives else ())
        enable = self.enable if options.has_enable else None
        self.wires = Wires(self.copies, options, self.cells, self.delays, enable)
        self._find_blocks(pieces)
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

    def _find_blocks(self, pieces: dict[int, list[list[int]]]) -> None:
        """Divide the values of each layer between its own module and those that it repeats."""
        counts: defaultdict[int, int] = defaultdict(int)
        covered: set[int] = set()
        for repeat in find_repeats(self.copies, pieces):
            counts[repeat.layer] += 1
            stem = self.stems[repeat.layer]
            name = f"{self.top}__{stem}__block_{counts[repeat.layer]}"
            block = BlockModule(name, repeat, self.wires)
            self.blocks.append(block)
            for copy in repeat.copies:
                covered.update(copy.values)
                element = self._first_element(block, copy)
                instance = self._free(f"{INSTANCE}{stem}_{element}")
                self.layers[repeat.layer].copies.append((instance, block, copy))
                for n, (v, cycles) in enumerate(zip(copy.values, repeat.within, strict=True)):
                    for cycle in cycles:
                        self.names[v][cycle] = f"{instance}.{local_name(n, cycle)}"
        for layer, of_layer in pieces.items():
            values = sorted(v for piece in of_layer for v in piece)
            self.layers[layer].values = [v for v in values if v not in covered]

    def _first_element(self, block: BlockModule, copy: Copy) -> int:
        """The first element of the layer's result that a copy gives."""
        provenance = self.schedule.program.rows.provenance
        return max(0, min((provenance[v][1] for _, v, _ in block.outputs(copy)), default=0))

    def _make_signals(self) -> None:
        """All that do not stay inside of a block."""
        copies = self.copies
        for v in sorted({*self.schedule.program.values_of(input_).tolist(), *self._computed()}):
            given = copies.given(v) if v in self.names else ()
            hidden = [cycle for cycle in self.names.get(v, ()) if cycle not in given]
            name = self._value_name(v)
            for cycle in copies.all(v):
                if cycle not in hidden:
                    plain = self._free(f"{name}_d{cycle}" if cycle else name)
                    self.wires.add(v, cycle, plain)
                    self.names[v][cycle] = plain

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
            cycles = self.copies.all(v)
            if not cycles:
                continue
            given = program[v].attributes
            place = self.ports.inputs[given["port"]].fields[given["field"]]
            bits = buses[given["port"]][place.offset : place.offset + place.width]
            m.d.comb += self.wires.signals[v, 0].eq(bits)
            clocked += self.wires.delay(m, [(v, cycles)])
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
