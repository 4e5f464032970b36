"""``report.json``: totals, layers, timing, versions. A plain dict."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from ..estimate import counts_by_layer, total
from ..rtl import Rtl
from ..schedule import Schedule
from ..targets import Target


def make_report(
    schedule: Schedule,
    rtl: Rtl,
    target: Target,
    ebops: Mapping[int, float],
    model: Mapping[str, Any],
    options: Mapping[str, Any],
    command: Sequence[str],
) -> dict[str, Any]:
    """Everything that is known of a design before synthesis.

    Parameters
    ----------
    ebops : by layer number of the Program
    model : source, origin and hash of the model
    options : what the user asked for
    command : the command line, empty from Python
    """
    program = schedule.program
    counts = counts_by_layer(schedule, target, rtl.options.shift_register_length)
    whole = total(list(counts.values()))
    layers = [
        {
            "name": program.layers[number].name if number >= 0 else "",
            "class": program.layers[number].class_name if number >= 0 else "",
            **counts[number].as_dict(),
            "ebops": round(ebops.get(number, 0.0), 3),
            **_stages_of(schedule, number),
        }
        for number in counts
    ]
    return {
        "hgq2rtl": importlib.metadata.version("hgq2rtl"),
        "top": rtl.top,
        "rtlil_sha256": rtl.rtlil_hash,
        "model": dict(model),
        "part": target.part,
        "family": target.family,
        **whole.as_dict(),
        "register_bits": whole.register_bits + _control_bits(schedule, rtl),
        "ebops": round(sum(ebops.values()), 3),
        "inner_register_bits": schedule.inner_register_bits,
        "control_sets": schedule.control_sets,
        "schedule_gap": schedule.gap,
        "stages": schedule.stages,
        "latency_cycles": schedule.latency_cycles,
        "latency_ns": round(schedule.latency_ns, 3),
        "clock_ns": schedule.clock_ns,
        "uncertainty_ns": schedule.uncertainty_ns,
        "stage_ns": [round(t, 3) for t in schedule.stage_ns],
        "stage_slack_ns": [round(t, 3) for t in schedule.slack_ns],
        "stage_register_bits": schedule.stage_register_bits,
        "initiation_interval": 1,
        "input_bits": sum(f.width for bus in rtl.ports.inputs for f in bus.fields),
        "output_bits": sum(f.width for bus in rtl.ports.outputs for f in bus.fields),
        "layers": layers,
        "options": dict(options),
        "command": list(command),
        "versions": _versions(),
    }


def _control_bits(schedule: Schedule, rtl: Rtl) -> int:
    """The valid pipeline."""
    return schedule.latency_cycles if rtl.options.has_valid else 0


def _stages_of(schedule: Schedule, layer: int) -> dict[str, int | None]:
    """How many stages a layer spans, and which."""
    program = schedule.program
    rows = (program.layer == layer) & (program.lo != program.hi)
    stages = schedule.stage[rows]
    if not len(stages):
        return {"stages": 0, "first_stage": None, "last_stage": None}
    first, last = int(stages.min()), int(stages.max())
    return {"stages": last - first + 1, "first_stage": first, "last_stage": last}


def _versions() -> dict[str, str]:
    names = ("amaranth", "numpy", "h5py")
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in names
    }
