"""What a pipeline costs: its worst stage by a delay table, and its register bits.

The same functions serve both sides: a Program with the stage of every value. A bit that passes
through wires alone is the bit of the value that makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hgq2rtl.analyses import delays
from hgq2rtl.analyses.wiring import wiring
from hgq2rtl.ir import Program, Value
from hgq2rtl.ir.operations import input_, output
from hgq2rtl.ir.rows import plan_row
from hgq2rtl.targets import Target


class Table(NamedTuple):
    """Delays of every value, float64 (n,) or lists, and of the registers around a stage."""

    logic: Sequence[float]
    net: Sequence[float]
    launch: float
    setup: float


class Reads(NamedTuple):
    """Which bits of which values the logic of each value reads."""

    values: list[list[int]]
    """By reader the values that make those bits, each once."""
    bits: list[list[int]]
    first_bit: np.ndarray


def reads_of(program: Program) -> Reads:
    found = wiring(program)
    owner = np.repeat(np.arange(len(program)), np.diff(found.first_bit)).tolist()
    values = [sorted({owner[bit] for bit in bits}) for bits in found.reads]
    return Reads(values, found.reads, found.first_bit)


class Timed(NamedTuple):
    """When each value settles in its stage, and the operand of that stage that it waits for."""

    settles: list[float]
    """From the clock edge on; of an output nothing."""
    waits_for: list[int]
    """-1: for a register, or the value is none of logic."""


def timed(reads: Reads, stage: np.ndarray, is_output: np.ndarray, table: Table) -> Timed:
    stages, settles, waits_for = stage.tolist(), [0.0] * len(stage), [-1] * len(stage)
    for v, operands in enumerate(reads.values):
        if is_output[v] or not operands:  # no operands: an input or a constant
            settles[v] = 0.0 if is_output[v] else table.launch
            continue
        leaves = [
            (settles[o] if stages[o] == stages[v] else table.launch) + table.net[o]
            for o in operands
        ]
        settles[v] = max(leaves) + table.logic[v]
        last = operands[leaves.index(max(leaves))]
        waits_for[v] = last if stages[last] == stages[v] else -1
    return Timed(settles, waits_for)


def longest_path(program: Program, stage: np.ndarray, table: Table) -> list[int]:
    """The values of the worst path of the worst stage, first to last."""
    is_output = program.operation == output.code
    found = timed(reads_of(program), np.asarray(stage, np.int64), is_output, table)
    path = [int(np.argmax(found.settles))]
    while found.waits_for[path[-1]] >= 0:
        path.append(found.waits_for[path[-1]])
    return path[::-1]


def register_bits(reads: Reads, stage: np.ndarray) -> int:
    """Bits that cross from stage to stage, each once however many read it."""
    width = np.diff(reads.first_bit)
    made_in = np.repeat(stage, width)
    last = made_in.copy()
    for v, bits in enumerate(reads.bits):
        if bits:
            last[bits] = np.maximum(last[bits], stage[v])
    return int((last - made_in).sum())


def port_bits(program: Program, reads: Reads) -> int:
    """Bits of the input ports that anything reads, and of the output ports."""
    widths = program.widths()
    read = np.unique([bit for bits in reads.bits for bit in bits])
    owner = np.searchsorted(reads.first_bit, read, side="right") - 1
    inputs = int((program.operation[owner] == input_.code).sum())
    return inputs + int(widths[program.values_of(output)].sum())


def measure(program: Program, stage: np.ndarray, target: Target) -> dict[str, Any]:
    """Register bits, and the worst stage by both tables."""
    stage = np.asarray(stage, np.int64)
    is_output = program.operation == output.code
    stage = np.where(is_output, stage.max(initial=0), stage)
    reads = reads_of(program)
    inner, ports = register_bits(reads, stage), port_bits(program, reads)
    tables = {"worst_ns": our_table(program, target), "worst_peer_ns": peer_table(program)}
    worst = {
        name: max(timed(reads, stage, is_output, table).settles, default=0.0) + table.setup
        for name, table in tables.items()
    }
    return {
        "stages": int(stage.max()) + 1,
        "inner_bits": inner,
        "bits_with_ports": inner + ports,
        **worst,
    }


def our_table(program: Program, target: Target) -> Table:
    found = delays(program, target)
    return Table(
        found.logic_ns.tolist(), found.net_ns.tolist(), found.clock_to_out_ns, found.setup_ns
    )


# -- alkaid's table ------------------------------------------------------------


def peer_table(program: Program) -> Table:
    """alkaid's surrogate of each value: no nets, no registers; constants, masks, negations 0."""
    widths = program.widths().tolist()
    logic = [
        PEER.get(value.operation.name, _nothing)(value, widths)
        if value.operands and not program.is_constant(value.number)
        else 0.0
        for value in program
    ]
    return Table(logic, [0.0] * len(logic), 0.0, 0.0)


def _nothing(value: Value, widths: list[int]) -> float:
    return 0.0


def _adder(bits: int) -> float:
    return 1.09375 + 0.025390625 * (bits - 1) if bits > 0 else 0.0


def _add(value: Value, widths: list[int]) -> float:
    program = value.program
    if any(program.is_constant(o) for o in value.operands):
        return 0.0
    shift = value.attributes["shift"]
    (low_a, low_b), (a, b) = (max(-shift, 0), max(shift, 0)), (widths[o] for o in value.operands)
    low, middle = min(low_a, low_b), max(low_a, low_b)
    top = max(low_a + a, low_b + b)
    shared = min(low_a + a, low_b + b) - middle
    if value.attributes["sign"] < 0:
        return _adder(max(top - low - 1, 1))
    return _adder(top - middle if shared > 0 else 0)


def _row(value: Value, widths: list[int]) -> float:
    """Two operands as an adder of as many bits as the carry chain has, three as its ternary."""
    operands = sum(not value.program.is_constant(o) for o in value.operands)
    bits = plan_row(value).carry_positions
    if operands < 2 or not bits:
        return 0.0
    return _adder(bits) if operands == 2 else 1.3125 * (1 + 0.03125 * (bits - 1))


def _compare(value: Value, widths: list[int]) -> float:
    return _adder(max(max(widths[o] for o in value.operands), 1))


def _choice(value: Value, widths: list[int]) -> float:
    return 0.5


def _lookup(value: Value, widths: list[int]) -> float:
    extra = max(widths[value.operands[0]] - 6, 0)
    if extra > 6:
        return 0.5 * extra
    return 0.075 + 0.2 * min(extra, 3) + 0.8 * max(extra - 3, 0)


def _product(value: Value, widths: list[int]) -> float:
    bits = []
    for o in value.operands:
        lo, hi = value.program.interval(o)
        bits.append(widths[o] - (lo >= 0 or hi <= 0))  # a number of one sign has a bit less
    return 1.09375 + 0.025390625 * (bits[0] * bits[1] - max(bits))


PEER: dict[str, Callable[[Value, list[int]], float]] = {
    "add": _add,
    "row": _row,
    "compare": _compare,
    "mux": _choice,
    "bitwise": _choice,
    "lookup": _lookup,
    "mul": _product,
}
"""By the name of our operation; a mask is a relu: 0 ns, as wires are."""


def worst_by_latencies(stages: list[dict[str, Any]]) -> list[float]:
    """The longest path of each of alkaid's stages, from the latencies that it stores."""
    made = []
    for each in stages:
        ops, settles = each["ops"], []
        for op in ops:
            before = max((ops[o][6] for o in op[1]), default=op[6])
            settles.append(max((settles[o] for o in op[1]), default=0.0) + op[6] - before)
        made.append(max(settles, default=0.0))
    return made
