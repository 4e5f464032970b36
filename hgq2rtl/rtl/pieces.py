"""Cut the values of each layer into pieces, of which some may be alike.

A piece begins with a repeated block of the Program (one position of a
convolution) and takes in what follows from that block alone (its relus and
quantizers) and what serves that block alone. What remains falls into
connected pieces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from ..ir import Program
from ..ir.operations import output


def pieces_by_layer(program: Program, computed: Iterable[int]) -> dict[int, list[list[int]]]:
    """For each layer its pieces, each a list of values in order.

    `computed` are the values to cut: neither ports nor constants.
    """
    layers: defaultdict[int, list[int]] = defaultdict(list)
    layer = program.layer.tolist()
    for v in computed:
        layers[layer[v]].append(v)
    leaves = _leaves_its_layer(program)
    return {number: _pieces(program, values, leaves) for number, values in layers.items()}


def _leaves_its_layer(program: Program) -> np.ndarray:
    """bool (n,): values that another layer or an output reads."""
    reader = np.repeat(np.arange(len(program)), np.diff(program.start))
    crosses = program.layer[program.operand] != program.layer[reader]
    crosses |= program.operation[reader] == output.code
    leaves = np.zeros(len(program), bool)
    leaves[program.operand[crosses]] = True
    return leaves


def _pieces(program: Program, values: list[int], leaves: np.ndarray) -> list[list[int]]:
    block = _follow_blocks(program, values)
    _serve_blocks(program, values, block, leaves)
    root = _connect(program, [v for v in values if v not in block])
    pieces: defaultdict[tuple[bool, int], list[int]] = defaultdict(list)
    for v in values:
        pieces[(True, block[v]) if v in block else (False, root[v])].append(v)
    return list(pieces.values())


def _follow_blocks(program: Program, values: list[int]) -> dict[int, int]:
    """The block of each value that has one, or whose operands come from one block alone."""
    rows, block = program.rows, dict[int, int]()
    inside = set(values)
    for v in values:
        own = rows.block[v]
        if own < 0:
            above = {block[o] for o in rows.operands[v] if o in inside and o in block}
            own = above.pop() if len(above) == 1 else -1
        if own >= 0:
            block[v] = own
    return block


def _serve_blocks(
    program: Program, values: list[int], block: dict[int, int], leaves: np.ndarray
) -> None:
    """Add the values that are read by one block alone."""
    operands = program.rows.operands
    readers: defaultdict[int, set[int]] = defaultdict(set)
    for v in reversed(values):
        below = readers.pop(v, set())
        if v not in block and not leaves[v] and len(below) == 1 and -1 not in below:
            block[v] = below.pop()
        for o in operands[v]:
            readers[o].add(block.get(v, -1))


def _connect(program: Program, values: list[int]) -> dict[int, int]:
    """A common root for values that read each other."""
    root = {v: v for v in values}

    def find(v: int) -> int:
        while root[v] != v:
            root[v] = root[root[v]]
            v = root[v]
        return v

    for v in values:
        for o in program.rows.operands[v]:
            if o in root:
                root[find(o)] = find(v)
    return {v: find(v) for v in values}
