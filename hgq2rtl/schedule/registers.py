"""The stages with the fewest register bits and mask LUTs: one linear program.

Every node has a stage; every group of bits a last stage, at or behind all its readers; every
mask a stage in which it is first read, at most one behind its own. Then

    minimise  sum(width * (last - stage)) + sum(price * (1 - (first read - stage)))

under differences of two variables alone. Such a matrix is totally unimodular, so the optimum
is whole numbers (Leiserson and Saxe 1991, sections 8 and 9, for shared registers; Cong and Zhang
2006 for stages). HiGHS solves it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..ir.operations import mask
from .differences import Differences, solve, solve_in_parts
from .earliest import earliest, latest
from .network import Network
from .paths import far_pairs

COST_OF_MASK_BIT = 1.0
"""A mask bit in LUTs, in register bits. A mask that only registers read costs none."""

MOST_DIFFERENCES = 600_000
"""Up to here the linear program is solved as a whole (a minute), beyond in parts."""


class Placement(NamedTuple):
    """Stages of all nodes, and how good they are."""

    stage: list[int]
    cost: float
    """Register bits and mask bits in LUTs, as the linear program counts them."""
    bound: float
    """No placement costs less."""


def fewest_registers(
    net: Network, path_ns: float, stages: int, most_differences: int = MOST_DIFFERENCES
) -> Placement:
    """Stages for paths of at most `path_ns`, inputs in the first and outputs in the last stage.

    `stages` are at least those of :func:`~.earliest.earliest`. Of more than `most_differences`
    constraints the optimum is sought part by part; :attr:`Placement.bound` says what is lost at
    most.
    """
    first = np.array(earliest(net, path_ns).stage, np.int64)
    last = np.array(latest(net, path_ns, stages), np.int64)
    first[net.is_output] = last[net.is_output] = stages - 1
    program = Differences(first, last)
    _keep_order(program, net, first, last)
    base = _price_registers(program, net, stages) + _price_masks(program, net, stages)
    pairs = far_pairs(net, path_ns, first.tolist(), last.tolist())
    if len(program) + len(pairs) <= most_differences:
        program.require(pairs[:, 1], pairs[:, 0], 1)
        found, bound = solve(program)
    else:
        bound = solve(program)[1]  # without the pairs: less than any placement
        program.require(pairs[:, 1], pairs[:, 0], 1)
        found = solve_in_parts(program, first, most_differences)
    stage = np.rint(found[: len(net)]).astype(np.int64)
    return Placement(stage.tolist(), placement_cost(net, stage), bound + base)


def _keep_order(program: Differences, net: Network, first: np.ndarray, last: np.ndarray) -> None:
    """Readers behind what they read; those of a ROM a stage behind."""
    counts = [len(read) for read in net.predecessors]
    earlier = np.array([o for read in net.predecessors for o in read], np.int64)
    later = np.repeat(np.arange(len(net)), counts)
    is_rom = np.array(net.is_rom, bool)[earlier]
    matters = last[earlier] + is_rom > first[later]
    for flags, distance in ((~is_rom, 0), (is_rom, 1)):
        program.require(later[matters & flags], earlier[matters & flags], distance)


def _price_registers(program: Differences, net: Network, stages: int) -> float:
    """A register bit for every bit and boundary that it crosses; gives the cost's constant."""
    groups = net.groups
    is_rom = np.array(net.is_rom, bool)[groups.owner]
    np.subtract.at(program.cost, groups.owner, groups.width)
    readers = np.diff(groups.start)
    alone = readers == 1
    np.add.at(program.cost, groups.reader[groups.start[:-1][alone]], groups.width[alone])
    shared = np.flatnonzero(~alone)
    lower, upper = np.zeros(len(shared)), np.full(len(shared), stages - 1)
    ends = program.variables(lower, upper, groups.width[shared].astype(float))
    of = np.repeat(np.arange(len(shared)), readers[shared])
    reader = _spans(groups.start, groups.reader, shared)
    program.require(ends[of], reader, 0)
    return -float(groups.width[is_rom].sum())  # the first register of a ROM is inside of it


def _spans(start: np.ndarray, content: np.ndarray, which: np.ndarray) -> np.ndarray:
    spans = [content[start[n] : start[n + 1]] for n in which.tolist()]
    return np.concatenate([*spans, np.zeros(0, np.int64)])


def _price_masks(program: Differences, net: Network, stages: int) -> float:
    """LUTs for every mask that is read in its own stage; gives the cost's constant."""
    nodes, price = masks(net)
    program.cost[nodes] += price
    zeros = np.zeros(len(nodes))
    reads = program.variables(zeros, zeros + stages, -price)
    program.require(nodes, reads, -1)
    counts = [len(net.successors[node]) for node in nodes.tolist()]
    readers = np.array([r for node in nodes.tolist() for r in net.successors[node]], np.int64)
    program.require(readers, np.repeat(reads, counts), 0)
    return float(price.sum())


def masks(net: Network) -> tuple[np.ndarray, np.ndarray]:
    """Nodes that are masks and read, and their prices."""
    is_mask = net.program.operation[net.values] == mask.code
    nodes = np.array([n for n in np.flatnonzero(is_mask).tolist() if net.successors[n]], np.int64)
    return nodes, net.program.widths()[net.values[nodes]] * COST_OF_MASK_BIT


def placement_cost(net: Network, stage: np.ndarray) -> float:
    """Register bits and mask bits in LUTs of given stages."""
    groups = net.groups
    if not len(groups.owner):
        return 0.0
    ends = np.maximum.reduceat(stage[groups.reader], groups.start[:-1])
    begins = stage[groups.owner] + np.array(net.is_rom, np.int64)[groups.owner]
    registers = float((groups.width * (ends - begins)).sum())
    nodes, price = masks(net)
    in_luts = [
        any(stage[r] == stage[node] for r in net.successors[node]) for node in nodes.tolist()
    ]
    return registers + float(price[np.array(in_luts, bool)].sum())
