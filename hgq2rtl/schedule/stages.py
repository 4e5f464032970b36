"""Stages for a wish: the fewest that its clock allows, and in them the fewest registers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..analyses import Delays, delays
from ..errors import BadOption, ClockTooFast
from ..ir import Program
from ..targets import Target
from .earliest import SLACK_NS, arrivals, earliest
from .network import Network, network, tables_of
from .period import clock_of, fastest_path, least_latency, slowest_node, stages_within
from .registers import Placement, fewest_registers
from .schedule import Schedule
from .wish import DEFAULT_CLOCK_NS, ScheduleWish


class _Frame(NamedTuple):
    """What a wish comes to."""

    net: Network
    path_ns: float
    stages: int
    clock_ns: float


def schedule(
    program: Program,
    target: Target,
    wish: ScheduleWish | None = None,
    times: Delays | None = None,
) -> Schedule:
    """Assign stages for a wanted clock, number of stages, latency, or none.

    Parameters
    ----------
    times : delays of every value, if not those of the target's model

    Raises
    ------
    BadOption
        If the wish contradicts itself, or its stages or latency are too few for its clock.
    ClockTooFast
        If one operation alone exceeds the clock, naming it and a clock that would do.
    """
    wish = wish or ScheduleWish()
    wish.check()
    times = times or delays(program, target)
    if wish.is_combinational:
        return _combinational(network(program, target, times=times))
    frame = _frame(program, target, wish, times)
    placed = fewest_registers(frame.net, frame.path_ns, frame.stages)
    return _pipelined(frame, placed, wish)


def path_of(target: Target, clock_ns: float, uncertainty_ns: float = 0.0) -> float:
    """What a clock leaves for logic and nets between two registers."""
    delay = target.delay_ns
    return clock_ns - uncertainty_ns - delay["clock_to_out"] - delay["setup"]


def _frame(program: Program, target: Target, wish: ScheduleWish, times: Delays) -> _Frame:
    overhead = times.setup_ns + wish.uncertainty_ns
    if wish.clock_ns is None and (wish.stages or wish.latency_ns):
        net = network(program, target, times=times)
        stages = wish.stages or _stages_within(net, wish, overhead)
        path = fastest_path(net, stages)
        return _Frame(net, path, stages, clock_of(path, overhead))
    clock = wish.clock_ns or DEFAULT_CLOCK_NS
    net = _with_roms(program, target, clock - overhead, times)
    _check_clock(net, clock, overhead, target)
    stages = earliest(net, clock - overhead).stages
    if wish.stages is not None and wish.stages < stages:
        raise BadOption(
            f"stages {wish.stages} at a clock of {clock:g} ns: it takes {stages} stages on "
            f"{target.part}. Ask for more stages, or leave the clock out for the fastest one."
        )
    cycles = stages - 1 + wish.has_input_register + wish.has_output_register
    if wish.latency_ns is not None and cycles * clock > wish.latency_ns + SLACK_NS:
        raise BadOption(
            f"a latency of {wish.latency_ns:g} ns at a clock of {clock:g} ns: it takes {cycles} "
            f"cycles, {cycles * clock:g} ns, on {target.part}. Ask for that latency, or leave the "
            "clock out."
        )
    return _Frame(net, clock - overhead, max(stages, wish.stages or 1), clock)


def _stages_within(net: Network, wish: ScheduleWish, overhead_ns: float) -> int:
    assert wish.latency_ns is not None
    port_registers = wish.has_input_register + wish.has_output_register
    stages = stages_within(net, wish.latency_ns, port_registers, overhead_ns)
    if not stages:
        least = least_latency(net, port_registers, overhead_ns)
        raise BadOption(
            f"a latency of {wish.latency_ns:g} ns: no pipeline is that short, {least:.3f} ns can "
            "be. Ask for that, or leave out port registers."
        )
    return stages


def _with_roms(program: Program, target: Target, path_ns: float, times: Delays) -> Network:
    """The network, with a register inside each table that is too slow for a stage."""
    net = network(program, target, times=times)
    if "rom_setup" not in target.delay_ns:
        return net
    slow = {
        int(net.values[n])
        for n in range(len(net))
        if net.first_ns[n] + net.logic_ns[n] > path_ns + SLACK_NS
    }
    roms = slow & tables_of(program)
    return network(program, target, roms, times) if roms else net


def _check_clock(net: Network, clock_ns: float, overhead_ns: float, target: Target) -> None:
    worst, alone = slowest_node(net)
    if worst < 0 or alone + overhead_ns <= clock_ns + SLACK_NS:
        return
    value = net.program[int(net.values[worst])]
    layer, element = value.provenance
    place = f"{net.program.layers[layer].name}[{element}]" if layer >= 0 else "the model"
    needed = clock_of(alone, overhead_ns)
    raise ClockTooFast(
        f"a clock of {clock_ns:g} ns: {value.operation.name} of {value.format.width} bits in "
        f"{place} alone takes {needed:g} ns on {target.part}. Ask for a clock of {needed:g} ns or "
        "more."
    )


def _combinational(net: Network) -> Schedule:
    arrival = arrivals(net, [0] * len(net))
    launch = max(net.launch_ns, default=0.0)  # there is no register to leave
    settled = [max(t - launch, 0.0) for t in arrival]
    return Schedule(
        program=net.program,
        stage=np.zeros(len(net.program), np.int32),
        arrival_ns=_of_values(net, [0] * len(net), settled)[1],
        stages=1,
        clock_ns=None,
        setup_ns=0.0,
        has_input_register=False,
        has_output_register=False,
    )


def _pipelined(frame: _Frame, placed: Placement, wish: ScheduleWish) -> Schedule:
    net = frame.net
    stage, arrival = _of_values(net, placed.stage, arrivals(net, placed.stage))
    is_rom = np.zeros(len(net.program), bool)
    is_rom[net.values[np.array(net.is_rom, bool)]] = True
    return Schedule(
        program=net.program,
        stage=stage,
        arrival_ns=arrival,
        stages=frame.stages,
        clock_ns=frame.clock_ns,
        setup_ns=net.setup_ns,
        has_input_register=wish.has_input_register,
        has_output_register=wish.has_output_register,
        uncertainty_ns=wish.uncertainty_ns,
        is_rom=is_rom if is_rom.any() else None,
        most_control_sets=wish.most_control_sets,
        bound=placed.bound,
        cost=placed.cost,
    )


def _of_values(
    net: Network, stage: list[int], arrival: list[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Stage and arrival of every value: a wire is there with the last of its sources."""
    stages, arrivals_ns = [], []
    for sources in net.sources:
        at = max((stage[n] + net.is_rom[n] for n in sources), default=0)
        here = [arrival[n] for n in sources if stage[n] == at]
        stages.append(at)
        arrivals_ns.append(max(here, default=max((net.launch_ns[n] for n in sources), default=0)))
    stages_of = np.array(stages, np.int32)
    arrivals_of = np.array(arrivals_ns, np.float64)
    stages_of[net.values], arrivals_of[net.values] = stage, arrival
    return stages_of, arrivals_of
