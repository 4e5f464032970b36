"""From a wish to a clock and a number of stages."""

from __future__ import annotations

import math

from .earliest import SLACK_NS, earliest
from .network import Network

STEP_NS = 0.001
"""Clocks are told in picoseconds."""


def fastest_path(net: Network, stages: int) -> float:
    """The shortest path of a stage that fits the network in `stages`, to a picosecond."""
    high = max(earliest(net, math.inf).arrival_ns, default=0.0) + STEP_NS
    low = slowest_node(net)[1]
    best = high
    while high - low > STEP_NS / 2:
        middle = (low + high) / 2
        found = earliest(net, middle)
        if found.stages <= stages:
            high = middle
            best = max(found.arrival_ns, default=0.0)
        else:
            low = middle
    return best


def slowest_node(net: Network) -> tuple[int, float]:
    """The node that alone takes longest, and how long with its register; (-1, 0) for none."""
    times = [
        0.0 if net.is_output[n] else net.first_ns[n] + net.logic_ns[n] for n in range(len(net))
    ]
    node = max(range(len(net)), key=times.__getitem__, default=-1)
    return node, times[node] if node >= 0 else 0.0


def clock_of(path_ns: float, overhead_ns: float) -> float:
    """The clock for a path: never less than it needs."""
    return round(math.ceil((path_ns + overhead_ns - SLACK_NS) / STEP_NS) * STEP_NS, 3)


def stages_within(net: Network, latency_ns: float, port_registers: int, overhead_ns: float) -> int:
    """The most stages, so the fastest clock, whose latency is at most `latency_ns`; 0 if none.

    `port_registers` add cycles; `overhead_ns` is what a clock holds beside its path.
    """
    shortest = max(slowest_node(net)[1], STEP_NS)
    most = earliest(net, shortest).stages + port_registers - 1
    for cycles in range(min(most, int(latency_ns / (shortest + overhead_ns))), 0, -1):
        stages = cycles + 1 - port_registers
        if stages < 1:
            break
        if earliest(net, latency_ns / cycles - overhead_ns).stages <= stages:
            return stages
    return 0


def least_latency(net: Network, port_registers: int, overhead_ns: float) -> float:
    """The shortest latency that any number of stages has, in ns; of some forty numbers tried."""
    most = earliest(net, max(slowest_node(net)[1], STEP_NS)).stages
    tried = sorted({1 + round((most - 1) * n / 40) for n in range(41)})
    return min(
        (stages - 1 + port_registers) * clock_of(fastest_path(net, stages), overhead_ns)
        for stages in tried
    )
