"""Our pipeline within the limits of another: stages, and worst stage by two delay tables.

The scheduler gets alkaid's table, which allows less than ours wherever both were compared; ours
is checked afterwards. Where rows of three operands are too deep for that table, sums are built
without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from schedule_table import measure, peer_table

import hgq2rtl
from hgq2rtl.analyses import Delays
from hgq2rtl.design import Design
from hgq2rtl.errors import BadOption, ClockTooFast
from hgq2rtl.ir import Program
from hgq2rtl.rtl import emit
from hgq2rtl.schedule import Schedule, ScheduleWish, schedule
from hgq2rtl.targets import target_for

REBUILT_NS = 2.0
"""A clock for which sums are built anew with late inputs late."""
FEWER_STAGES = 2
"""So many less are tried too."""
LARGE_PROGRAM = 20_000
"""Values from which on none less is tried."""
TOLERANCE_NS = 1e-6


class Limits(NamedTuple):
    """What our pipeline must not exceed."""

    stages: int
    worst_ns: float
    """By our table."""
    worst_peer_ns: float
    """By alkaid's."""

    def hold(self, figures: dict[str, Any]) -> bool:
        return (
            figures["stages"] <= self.stages
            and figures["worst_ns"] <= self.worst_ns + TOLERANCE_NS
            and figures["worst_peer_ns"] <= self.worst_peer_ns + TOLERANCE_NS
        )


class Fitted(NamedTuple):
    design: Design
    figures: dict[str, Any]
    keeps_limits: bool


def fitted(model: Path, limits: Limits, **options: Any) -> Fitted:
    """Our design of `model` within the limits; without any, that of as many stages."""
    found = []
    for form in forms(limits):
        design = hgq2rtl.compile(model, **form, **options)
        timing = min(placements(design.program, limits), key=_cost, default=design.schedule)
        figures = figures_of(timing)
        found.append(Fitted(design, figures, limits.hold(figures)))
        if limits.hold(figures):
            return found[-1]._replace(design=_with_schedule(design, timing))
    return found[0]


def forms(limits: Limits) -> list[dict[str, Any]]:
    """Options of a compile, the smallest circuit first, the shallowest last."""
    as_wanted, rebuilt = {"stages": limits.stages}, {"clock_ns": REBUILT_NS}
    return [{**wish, "rows_of_three": n} for wish in (as_wanted, rebuilt) for n in (True, False)]


def placements(program: Program, limits: Limits) -> Iterator[Schedule]:
    """Schedules that keep the limits, of several numbers of stages."""
    times = peer_delays(program)
    fewer = 0 if len(program) > LARGE_PROGRAM else FEWER_STAGES
    for stages in range(limits.stages, max(limits.stages - fewer - 1, 0), -1):
        wish = ScheduleWish(clock_ns=limits.worst_peer_ns + TOLERANCE_NS, stages=stages)
        try:
            made = schedule(program, target_for(), wish, times)
        except (BadOption, ClockTooFast):
            return  # fewer stages are slower yet
        if limits.hold(figures_of(made)):
            yield made


def peer_delays(program: Program) -> Delays:
    """alkaid's table in the scheduler's form."""
    table = peer_table(program)
    return Delays(np.array(table.logic), np.array(table.net), table.launch, table.setup)


def figures_of(made: Schedule) -> dict[str, Any]:
    return measure(made.program, made.stage, target_for())


def _cost(made: Schedule) -> float:
    """Register bits, and mask bits in LUTs."""
    return made.register_bits if made.cost is None else made.cost


def _with_schedule(design: Design, timing: Schedule) -> Design:
    rtl = emit(timing, design.rtl.top, design.rtl.options)
    return replace(design, schedule=timing, rtl=rtl)
