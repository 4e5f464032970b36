"""What synthesis makes of a core, bit by bit."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

from hgq2rtl.rtl import Rtl

from ..journeys.outside_yosys import run, yosys

GATES = "proc; flatten; opt; memory -nomap; opt; techmap; simplemap; opt; opt_clean"
"""Technology-free: every flip-flop is one bit, those without a reader and twins are gone."""


def cells(rtl: Rtl, script: str = GATES) -> Counter[str]:
    """The cells of the flattened core, by type."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in rtl.files.items():
            Path(folder, name).write_text(text)
        steps = [
            f"read_verilog -DHGQ2RTL_NO_PRIMITIVES {' '.join(rtl.files)}",
            f"hierarchy -top {rtl.top}",
            script,
            "tee -q -o cells.json stat -json",
        ]
        run(*yosys(), "-q", "-p", "; ".join(steps), cwd=Path(folder))
        text = Path(folder, "cells.json").read_text()
    return Counter(json.loads(text[text.index("{") :])["design"]["num_cells_by_type"])


def flip_flops(rtl: Rtl) -> int:
    """Register bits of the netlist."""
    return sum(n for cell, n in cells(rtl).items() if "DFF" in cell)
