"""As soon as possible: each value in the earliest stage that its clock allows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..analyses import delays
from ..errors import BadOption, ClockTooFast
from ..ir import Program
from ..ir.operations import output
from ..targets import Target
from .schedule import Schedule, ScheduleWish

DEFAULT_CLOCK_NS = 5.0
MOST_STAGES = 10_000
SLACK_NS = 1e-9
"""More than sums of binary fractions are off by: a path may take exactly the clock."""


class _Stages(NamedTuple):
    stage: list[int]
    arrival: list[float]
    number: int


def schedule(program: Program, target: Target, wish: ScheduleWish | None = None) -> Schedule:
    """Assign stages for a wanted clock, number of stages, or none.

    Raises
    ------
    BadOption
        If the wish contradicts itself.
    ClockTooFast
        If one operation alone exceeds the clock, naming it and a clock that would do.
    """
    wish = wish or ScheduleWish()
    _check(wish)
    times = delays(program, target)
    setup = target.delay_ns["setup"]
    launch = target.delay_ns["clock_to_out"] if wish.has_input_register else 0.0
    if wish.is_combinational:
        found, clock_ns = _assign(program, times, float("inf"), 0.0, 0.0), None
    elif wish.stages is not None:
        found, clock_ns = _fit_stages(program, times, target, wish.stages, launch)
    else:
        clock_ns = wish.clock_ns or DEFAULT_CLOCK_NS
        _check_clock(program, times, clock_ns, target)
        found = _assign(program, times, clock_ns - setup, launch, target.delay_ns["clock_to_out"])
    count = max(found.number, wish.stages or 1)
    stage, arrival = np.array(found.stage, np.int32), np.array(found.arrival)
    outputs = program.values_of(output)
    waiting = outputs[stage[outputs] < count - 1]  # behind registers up to the last stage
    stage[waiting], arrival[waiting] = count - 1, target.delay_ns["clock_to_out"]
    return Schedule(
        program=program,
        stage=stage,
        arrival_ns=arrival,
        stages=count,
        clock_ns=clock_ns,
        setup_ns=setup if clock_ns else 0.0,
        has_input_register=wish.has_input_register and not wish.is_combinational,
        has_output_register=wish.has_output_register and not wish.is_combinational,
    )


def _check(wish: ScheduleWish) -> None:
    given = [wish.clock_ns is not None, wish.stages is not None, wish.is_combinational]
    if sum(given) > 1:
        raise BadOption("give one of clock, stages and combinational, not several")
    if wish.clock_ns is not None and not 0 < wish.clock_ns < 1e6:
        raise BadOption(f"a clock of {wish.clock_ns} ns is no clock: give a number of ns above 0")
    if wish.stages is not None and not 1 <= wish.stages <= MOST_STAGES:
        raise BadOption(f"{wish.stages} stages: give 1 to {MOST_STAGES}")


def _assign(
    program: Program, times: list[float], period: float, launch: float, clock_to_out: float
) -> _Stages:
    """Stages for paths of at most `period` ns between register and set-up.

    `launch` is when the inputs of stage 0 arrive.
    """
    stage, arrival = [0] * len(program), [0.0] * len(program)
    start, operand = program.start.tolist(), program.operand.tolist()
    is_constant = (program.lo == program.hi).tolist()
    for v in range(len(program)):
        at, ready = 0, launch
        for o in operand[start[v] : start[v + 1]]:
            if is_constant[o] or stage[o] < at:
                continue
            if stage[o] > at:
                at, ready = stage[o], clock_to_out
            ready = max(ready, arrival[o])
        if is_constant[v]:
            at, ready = 0, 0.0
        elif ready + times[v] > period + SLACK_NS and times[v] > 0:
            at, ready = at + 1, clock_to_out
        stage[v], arrival[v] = at, ready + (0.0 if is_constant[v] else times[v])
    return _Stages(stage, arrival, max(stage, default=0) + 1)


def _fit_stages(
    program: Program, times: list[float], target: Target, stages: int, launch: float
) -> tuple[_Stages, float]:
    """The fastest clock that fits in `stages`, by bisection to a picosecond."""
    clock_to_out, setup = target.delay_ns["clock_to_out"], target.delay_ns["setup"]
    slow = _assign(program, times, float("inf"), launch, clock_to_out)
    high = max(slow.arrival, default=0.0) + 0.001
    low = max(times, default=0.0) + max(launch, clock_to_out)
    found = slow
    while high - low > 0.001:
        middle = (low + high) / 2
        tried = _assign(program, times, middle, launch, clock_to_out)
        if tried.number <= stages:
            high, found = middle, tried
        else:
            low = middle
    path = max([clock_to_out, *found.arrival]) + setup
    return found, math.ceil((path - SLACK_NS) * 1000) / 1000  # never less than it needs


def _check_clock(program: Program, times: list[float], clock_ns: float, target: Target) -> None:
    overhead = target.delay_ns["clock_to_out"] + target.delay_ns["setup"]
    worst = max(range(len(times)), key=times.__getitem__, default=None)
    if worst is None or times[worst] + overhead <= clock_ns + SLACK_NS:
        return
    value = program[worst]
    layer, element = value.provenance
    place = f"{program.layers[layer].name}[{element}]" if layer >= 0 else "the model"
    raise ClockTooFast(
        f"a clock of {clock_ns:g} ns: {value.operation.name} of {value.format.width} bits in "
        f"{place} alone takes {times[worst] + overhead:.2f} ns on {target.part}. Ask for a clock "
        f"of {times[worst] + overhead:.2f} ns or more."
    )
