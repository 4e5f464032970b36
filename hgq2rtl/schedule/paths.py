"""Which nodes are too far apart to share a stage.

Where the longest path from one node to another exceeds the path of a stage, the later one stands
at least a stage behind: these pairs and the order of the network are all that a clock demands
(Cong and Zhang, "An efficient and versatile scheduling algorithm based on SDC formulation",
DAC 2006; Leiserson and Saxe, "Retiming synchronous circuitry", 1991, section 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

import numpy as np

from .earliest import SLACK_NS
from .network import Network


def far_pairs(
    net: Network, path_ns: float, first: Sequence[int], last: Sequence[int]
) -> np.ndarray:
    """Pairs (earlier, later) of nodes that need a boundary between them, int64 (p, 2).

    Pairs that others imply are left out, and those that the range of stages of each node (`first`
    to `last`) keeps apart.
    """
    far: list[set[int]] = [set() for _ in range(len(net))]
    pairs: list[tuple[int, int]] = []
    for node in range(len(net) - 1, -1, -1):
        if net.is_input[node] or net.is_output[node] or net.is_rom[node]:
            continue  # the path of a reader begins at its register
        far[node] = _first_too_far(net, node, path_ns + SLACK_NS)
        implied = set().union(*(far[reader] for reader in net.successors[node]))
        pairs += [(node, r) for r in sorted(far[node] - implied) if first[r] <= last[node]]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _first_too_far(net: Network, node: int, limit: float) -> set[int]:
    """Nodes at the end of too long a path from `node`, without those behind them."""
    settled = {node: net.first_ns[node] + net.logic_ns[node]}
    waiting, found = [node], set()
    while waiting:
        at = heappop(waiting)  # in order: all paths to it are known
        if settled[at] > limit and at != node:
            found.add(at)
            continue
        if net.is_rom[at]:
            continue
        ready = settled[at] + net.net_ns[at]
        for reader in net.successors[at]:
            if net.is_output[reader]:
                continue
            if reader not in settled:
                heappush(waiting, reader)
            settled[reader] = max(settled.get(reader, 0.0), ready + net.logic_ns[reader])
    return found
