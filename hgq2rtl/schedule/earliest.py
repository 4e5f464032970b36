"""The earliest and the latest stage of every node, for a clock.

A stage holds what settles within its path: the clock without uncertainty and set-up. Labels
(stage, arrival) of a node are the least that its operands allow, so the last of them is the
least number of stages (Cong and Zhang 2006, as soon as possible).
"""

from __future__ import annotations

from typing import NamedTuple

from .network import Network

SLACK_NS = 1e-9
"""More than sums of binary fractions are off by: a path may take exactly its time."""


class Labels(NamedTuple):
    """Where every node stands."""

    stage: list[int]
    arrival_ns: list[float]
    """When it settles, from the clock edge that starts its stage; of a ROM, its address."""
    stages: int


def earliest(net: Network, path_ns: float) -> Labels:
    """As early as possible; nodes that alone exceed `path_ns` too have a stage, of their own."""
    limit = path_ns + SLACK_NS
    stage, arrival = [0] * len(net), [0.0] * len(net)
    for node, read in enumerate(net.predecessors):
        at = max((stage[o] + net.is_rom[o] for o in read), default=0)
        settled = _arrival(net, node, at, stage, arrival)
        if settled > limit and not net.is_output[node] and settled > _alone(net, node):
            at, settled = at + 1, _alone(net, node)
        stage[node], arrival[node] = at, settled
    return Labels(stage, arrival, max(stage, default=0) + 1)


def _alone(net: Network, node: int) -> float:
    """When a node settles that is the first of its stage."""
    return net.first_ns[node] + net.logic_ns[node]


def _arrival(net: Network, node: int, at: int, stage: list[int], arrival: list[float]) -> float:
    """When `node` settles in stage `at`, `stage` and `arrival` of its operands given."""
    if net.is_input[node]:
        return net.launch_ns[node]
    ready = 0.0
    for o in net.predecessors[node]:
        is_here = stage[o] == at and not net.is_rom[o]
        net_ns = 0.0 if net.is_output[node] else net.net_ns[o]  # a register lies beside its logic
        ready = max(ready, (arrival[o] if is_here else net.launch_ns[o]) + net_ns)
    return ready + net.logic_ns[node]


def arrivals(net: Network, stage: list[int]) -> list[float]:
    """When every node settles, for given stages."""
    arrival: list[float] = []
    for node, at in enumerate(stage):
        arrival.append(_arrival(net, node, at, stage, arrival))
    return arrival


def latest(net: Network, path_ns: float, stages: int) -> list[int]:
    """The latest stage of every node in a pipeline of `stages`: inputs in the first, outputs in
    the last."""
    limit = path_ns + SLACK_NS
    stage, behind = [stages - 1] * len(net), [0.0] * len(net)
    for node in range(len(net) - 1, -1, -1):
        if net.is_output[node]:
            continue
        readers = net.successors[node]
        at = min((stage[r] for r in readers), default=stages - 1)
        if net.is_rom[node]:
            at, tail = at - bool(readers), 0.0
        else:
            here = [r for r in readers if stage[r] == at and not net.is_output[r]]
            tail = max((net.net_ns[node] + net.logic_ns[r] + behind[r] for r in here), default=0.0)
        if net.is_input[node]:
            at = 0
        elif tail and _alone(net, node) + tail > limit:
            at, tail = at - 1, 0.0
        stage[node], behind[node] = at, tail
    return stage
