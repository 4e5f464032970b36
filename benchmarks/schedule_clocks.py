"""Ours at fixed clocks: whether each stage meets it, and whether the latency is as reported."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import hgq2rtl
from hgq2rtl.errors import ClockTooFast, Mismatch
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import target_for

CLOCKS_NS = (1.0, 1.5, 2.0, 3.0, 5.0)
SAMPLES = 500
LARGE_VALUES = 20_000
"""Programs that are scheduled, but not simulated."""


def print_clocks(models: list[Path]) -> list[dict[str, Any]]:
    """One line per model and clock."""
    rows = []
    for model in models:
        for clock in CLOCKS_NS:
            row = {"model": f"{model.parent.name}/{model.stem}", "clock_ns": clock}
            row |= at_clock(model, clock)
            rows.append(row)
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    return rows


def at_clock(model: Path, clock_ns: float) -> dict[str, Any]:
    try:
        design = hgq2rtl.compile(model, clock_ns=clock_ns)
    except ClockTooFast as error:
        return {"error": str(error)}
    found = design.schedule
    made: dict[str, Any] = {
        "values": len(design.program),
        "stages": found.stages,
        "worst_ns": round(max(found.stage_ns), 4),
        "meets_clock": max(found.stage_ns) <= clock_ns + 1e-6,
        "gap": found.gap,
        "scheduling_s": scheduling_seconds(design, clock_ns),
        "cycles": found.latency_cycles,
    }
    if len(design.program) <= LARGE_VALUES:
        made["is_as_in_verilator"] = is_as_in_verilator(design)
    return made


def is_as_in_verilator(design: hgq2rtl.Design) -> bool:
    """Whether outputs come after as many cycles as reported: a result one cycle off differs."""
    try:
        design.check(samples=SAMPLES)
    except Mismatch:
        return False
    return True


def scheduling_seconds(design: hgq2rtl.Design, clock_ns: float) -> float:
    """Of the schedule alone, on the design's Program."""
    start = time.perf_counter()
    schedule(design.program, target_for(), ScheduleWish(clock_ns=clock_ns))
    return round(time.perf_counter() - start, 2)
