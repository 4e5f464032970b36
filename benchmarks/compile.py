"""Whole-process compile time against alkaid on the same file, in one run.

    python benchmarks/compile.py [MODEL.keras] [--runs 5]

Times ``hgq2rtl compile --effort fast --no-cache`` and ``alkaid convert -n 0`` in turn, so that
both see the same machine. Needs ``pip install alkaid keras jax hgq2`` beside hgq2rtl.
Prints a table and writes ``benchmarks/results/compile.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
DEFAULT = HERE.parent.parent / "shared/models/hgq2/jsc_openml/ebops13285.keras"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    tools = {"hgq2rtl": hgq2rtl_command, "alkaid": alkaid_command}
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    for run in range(given.runs + 1):  # the first warms caches and is not counted
        for name, command in tools.items():
            taken = time_once(command, given.model)
            if run:
                seconds[name].append(taken)
    report(given.model, seconds)


def hgq2rtl_command(model: Path, folder: Path) -> list[str]:
    options = ["--effort", "fast", "--no-cache"]
    return [tool("hgq2rtl"), "compile", str(model), "-o", str(folder), *options]


def alkaid_command(model: Path, folder: Path) -> list[str]:
    return [tool("alkaid"), "convert", "-n", "0", str(model), str(folder)]


def tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        sys.exit(f"{name} is not installed: see the head of {__file__}")
    return found


def time_once(command, model: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(
            command(model, Path(folder, "out")),
            check=True,
            capture_output=True,
            env={**os.environ, "KERAS_BACKEND": "jax"},
        )
        return time.perf_counter() - start


def report(model: Path, seconds: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    print(f"{model.name}, whole process, seconds")
    for name, times in seconds.items():
        spread = f"min {min(times):6.2f}   max {max(times):6.2f}"
        print(f"  {name:8} median {medians[name]:6.2f}   {spread}")
    ratio = medians["hgq2rtl"] / medians["alkaid"]
    print(f"  hgq2rtl / alkaid = {ratio:.2f}   (at most 0.50 is wanted)")
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    content = {"model": model.name, "seconds": seconds, "medians": medians, "ratio": ratio}
    (folder / "compile.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
