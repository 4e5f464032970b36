"""Scripts, constraints and README of an output folder, from ``hdl_templates``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from ..rtl import Rtl
from ..rtl.ports import BusPort
from ..schedule import Schedule

_FILES = {
    "synth/vivado.tcl": "synth/vivado.tcl.j2",
    "synth/{top}.xdc": "synth/constraints.xdc.j2",
    "synth/quartus.tcl": "synth/quartus.tcl.j2",
    "synth/{top}.sdc": "synth/constraints.sdc.j2",
    "synth/yosys.ys": "synth/yosys.ys.j2",
    "README.md": "README.md.j2",
}


def render_documents(rtl: Rtl, schedule: Schedule, report: dict[str, Any], folder: Path) -> None:
    """Write every document below `folder`."""
    (folder / "synth").mkdir()
    context = _context(rtl, schedule, report)
    for target, template in _FILES.items():
        text = _environment().get_template(template).render(context)
        (folder / target.format(top=rtl.top)).write_text(text)


@cache
def _environment() -> Environment:
    root = files("hgq2rtl.hdl_templates")
    sources = {name: root.joinpath(name).read_text() for name in _FILES.values()}
    return Environment(
        loader=DictLoader(sources),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Scripts and Markdown, not HTML; names from the model are made plain below.
        autoescape=False,
    )


def _context(rtl: Rtl, schedule: Schedule, report: dict[str, Any]) -> dict[str, Any]:
    return {
        "top": rtl.top,
        "version": report["hgq2rtl"],
        "model": _plain(Path(report["model"]["source"]).name),
        "part": report["part"],
        "yosys_family": _yosys_family(report["part"]),
        "verilog": list(rtl.files),
        "has_shift_registers": rtl.options.shift_register_length is not None,
        "has_cells": any("__cell__" in name for name in rtl.files),
        "inputs": ", ".join(map(_port_text, rtl.ports.inputs)),
        "outputs": ", ".join(map(_port_text, rtl.ports.outputs)),
        "clock_ns": schedule.clock_ns,
        "uncertainty_ns": schedule.uncertainty_ns,
        "control_sets": schedule.control_sets,
        "worst_stage_ns": f"{max(schedule.stage_ns):.2f}",
        "latency_ns": f"{schedule.latency_ns:.2f}",
        **{key: report[key] for key in ("stages", "latency_cycles", "luts", "register_bits")},
        "ebops": f"{report['ebops']:.0f}",
    }


def _port_text(bus: BusPort) -> str:
    shape = " x ".join(map(str, bus.shape)) or "scalar"
    return f"`{bus.port}` ({shape}, {bus.width} bits)"


def _plain(name: str) -> str:
    """A name from outside, harmless in a script's comment and in Markdown."""
    return "".join(c if c.isalnum() or c in "._- " else "_" for c in name)[:80]


def _yosys_family(part: str) -> str:
    return "xc7" if part.lower().startswith("xc7") else "xcup"
