"""``ports.json``: what an outside test bench must know of the core."""

from __future__ import annotations

from typing import Any

from hgq2rtl.sim.ports import FORMAT, VERSION

from ..rtl import Rtl
from ..rtl.ports import bus_json
from ..schedule import Schedule


def ports_json(rtl: Rtl, schedule: Schedule) -> dict[str, Any]:
    """The content of ``ports.json``, plain data."""
    options = rtl.options
    return {
        "format": FORMAT,
        "version": VERSION,
        "top": rtl.top,
        "latency_cycles": schedule.latency_cycles,
        "initiation_interval": 1,
        "clock": None if schedule.is_combinational else "clk",
        "enable": "en" if options.has_enable else None,
        "valid_in": "valid_in" if options.has_valid else None,
        "valid_out": "valid_out" if options.has_valid else None,
        "reset": "rst" if options.has_valid_reset else None,
        "inputs": [bus_json(bus) for bus in rtl.ports.inputs],
        "outputs": [bus_json(bus) for bus in rtl.ports.outputs],
    }
