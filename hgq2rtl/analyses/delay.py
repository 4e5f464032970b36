"""How long each operation takes on a target, and the net that it drives, in ns.

What each figure of a target means, and where it comes from: docs/delays.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..ir import Program, Value, one_per_operation
from ..ir.operations import (
    add,
    bitwise,
    compare,
    concat,
    const,
    input_,
    lookup,
    mask,
    mul,
    mux,
    output,
    row,
    slice_,
)
from ..ir.rows import RowPlan, plan_row
from ..targets import Target
from .area import adder_bits, areas, has_bit_operand
from .fan_out import fan_out


@dataclass(frozen=True, eq=False)
class Delays:
    """A path of one stage takes ``clock_to_out + net(o) + logic(v) + net(v) + ... + setup``.

    A wire alone takes no time: its operand's net leads on to whoever reads it.
    """

    logic_ns: np.ndarray
    """float64 (n,): from the operands at the first cell to the value, nets in between included."""
    net_ns: np.ndarray
    """float64 (n,): from the value, or its register, to those who read it."""
    clock_to_out_ns: float
    setup_ns: float


@dataclass(frozen=True)
class Cells:
    """Delays of a target's cells in a design of so many LUTs."""

    target: Target
    design_luts: int

    @cached_property
    def local_net(self) -> float:
        """A net with one load. Nets grow with the design: it spreads, and routes fill up."""
        delay = self.target.delay_ns
        size = self.design_luts / 1000
        return delay["net"] + delay["growth"] * size**self.target.growth_power

    def nets(self, loads: np.ndarray) -> np.ndarray:
        """Nets by their loads. Tools replicate what drives many: each doubling adds as much."""
        return self.local_net + self.target.delay_ns["fan_out"] * np.log2(np.maximum(loads, 1))

    @cached_property
    def lut(self) -> float:
        return self.target.delay_ns["lut"]

    @cached_property
    def mask(self) -> float:
        """A LUT, or the reset of the register behind it: either must meet the clock."""
        delay = self.target.delay_ns
        return max(delay["lut"], delay["reset_setup"] - delay["setup"])

    def carry_chain(self, positions: int) -> float:
        """From the operands through a LUT and along the chain to its last bit."""
        delay = self.target.delay_ns
        crossed = (positions - 1) // self.target.carry_bits
        along = (positions - 1) * delay["carry_per_bit"] + crossed * delay["carry_per_block"]
        return delay["carry_entry"] + along + delay["carry_exit"]

    def row(self, plan: RowPlan) -> float:
        """A carry chain, behind what makes two operands of three."""
        if not plan.s:
            return 0.0
        chain = self.carry_chain(plan.carry_positions)
        if not any(plan.compressed):
            return chain
        # A LUT reduces three bits to two; without such a cell two are summed first.
        return self.in_turn(self.lut if self.target.primitives else chain, chain)

    def in_turn(self, *cells: float) -> float:
        """Cells one behind the other, with nets in between."""
        return sum(cells) + (len(cells) - 1) * self.local_net


delay_of = one_per_operation("delay_of", without_macros=True)
"""``delay_of[operation](value, widths, cells) -> ns``"""


def delays(program: Program, target: Target) -> Delays:
    """Delays of every value in a design of this Program alone."""
    widths = program.widths().tolist()
    cells = Cells(target, sum(area.luts for area in areas(program, target)))
    logic = [delay_of[value.operation](value, widths, cells) for value in program]
    net = np.where(_is_wire(program), 0.0, cells.nets(fan_out(program, target)))
    delay = target.delay_ns
    return Delays(np.array(logic), net, delay["clock_to_out"], delay["setup"])


def _is_wire(program: Program) -> np.ndarray:
    """bool (n,): values without logic of their own; inputs have some, outside."""
    is_wire = np.isin(program.operation, [o.code for o in (slice_, concat, const, output)])
    for v in program.values_of(row).tolist():
        is_wire[v] = not plan_row(program[v]).s
    return is_wire


@delay_of(input_, const, output, slice_, concat)
def _(value: Value, widths: list[int], cells: Cells) -> float:
    return 0.0


@delay_of(add)
def _(value: Value, widths: list[int], cells: Cells) -> float:
    bits = adder_bits(value, widths)
    return cells.carry_chain(bits) if bits else 0.0


@delay_of(row)
def _(value: Value, widths: list[int], cells: Cells) -> float:
    return cells.row(plan_row(value))


@delay_of(compare)
def _(value: Value, widths: list[int], cells: Cells) -> float:
    chain = cells.carry_chain(max(1, *(widths[o] for o in value.operands)))
    # Where the chain is inferred, its last carry leaves through a LUT.
    return chain if cells.target.primitives else chain + cells.lut


@delay_of(mask)
def _(value: Value, widths: list[int], cells: Cells) -> float:
    return cells.mask


@delay_of(mux, bitwise)
def _(value: Value, widths: list[int], cells: Cells) -> float:
    return cells.lut


@delay_of(mul)
def _(value: Value, widths: list[int], cells: Cells) -> float:
    """A tree of sums over partial products; the first level forms these in its LUTs."""
    if has_bit_operand(value):
        return cells.lut
    few, many = sorted(widths[o] for o in value.operands)
    levels = max(few - 1, 1).bit_length()
    return cells.in_turn(*(cells.carry_chain(many + (1 << n)) for n in range(levels)))


@delay_of(lookup)
def _(value: Value, widths: list[int], cells: Cells) -> float:
    """Blocks of LUTs and the multiplexers beside them; further blocks choose among such blocks."""
    target, address = cells.target, widths[value.operands[0]]
    in_lut, in_block = target.lut_inputs, max(target.cascaded_table_bits, target.lut_inputs)
    chosen_by_block = _chosen_by_lut(in_lut) + in_block - in_lut
    further = math.ceil(max(address - in_block, 0) / chosen_by_block)
    dedicated = max(min(address, in_block) - in_lut, 0) * target.delay_ns["table_mux"]
    return cells.in_turn(*[cells.lut + dedicated] * (1 + further))


def _chosen_by_lut(inputs: int) -> int:
    """Address bits by which one LUT chooses: four of its six inputs by the other two."""
    return max(bits for bits in range(1, inputs) if bits + (1 << bits) <= inputs)


delay_of.close()
