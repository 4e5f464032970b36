"""Samples per second of the interpreter, beside alkaid's ``predict`` on the same model.

    python benchmarks/interpreter.py [MODEL.keras] [--samples N] [--rounds N] [--json FILE]

Both take float64 inputs and give floats, both use all cores, and they run in turns
in one process; the ratio is that of the medians over the rounds. Without alkaid
(``pip install alkaid hgq2 keras jax``) only ours is measured. Four of ours:

- ``predict``: floats in, floats out, on the Program that becomes hardware;
- ``run``: the same from mantissas to mantissas;
- ``lowered``: ``predict`` on the Program as lowered, whole linear combinations;
- ``one core``: ``predict`` on a single thread.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import hgq2rtl
from hgq2rtl import _kernel
from hgq2rtl.ir.interpreter import Interpreter

MODEL = Path(__file__).parents[2] / "shared/models/hgq2/jsc_openml/ebops13285.keras"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("model", nargs="?", type=Path, default=MODEL)
    options.add_argument("--samples", type=int, default=131_072)
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--json", type=Path)
    given = options.parse_args()

    design = hgq2rtl.compile(given.model)
    (port,) = design.program.inputs
    # float32 numbers: alkaid would round what the model never sees of a float64.
    x = np.random.default_rng(0).normal(size=(given.samples, *port.shape)) * 4
    x = x.astype(np.float32).astype(np.float64)

    runners = _ours(design, x)
    theirs = _alkaid(given.model, x)
    if theirs:
        runners["alkaid"] = theirs
        same = np.array_equal(np.asarray(theirs()).reshape(-1), design.predict(x).reshape(-1))
        print(f"equal outputs: {same}")
    rates = _measure(runners, given.samples, given.rounds)
    report = {
        "model": given.model.name,
        "samples": given.samples,
        "rounds": given.rounds,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": _kernel.LEVEL,
        "lane": Interpreter(design.program).lane,
        "operations": len(design.program),
        "samples_per_second": rates,
    }
    if theirs:
        report["ratio"] = rates["predict"] / rates["alkaid"]
    _print(report)
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n")


def _ours(design: hgq2rtl.Design, x: np.ndarray) -> dict[str, Callable[[], object]]:
    program, lowered = Interpreter(design.program), Interpreter(design.lowered)
    single = Interpreter(design.program, threads=1)
    mantissas = program.quantize_inputs([x])
    return {
        "predict": lambda: program.predict([x]),
        "run": lambda: program.run(mantissas),
        "lowered": lambda: lowered.predict([x]),
        "one core": lambda: single.predict([x]),
    }


def _alkaid(model: Path, x: np.ndarray) -> Callable[[], object] | None:
    try:
        from alkaid.types import CombLogic
    except ImportError:
        print("alkaid is not installed: only ours is measured", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        command = [Path(sys.executable).with_name("alkaid"), "convert", "-n", "0", model, folder]
        environment = {**os.environ, "KERAS_BACKEND": "jax"}
        subprocess.run(command, check=True, env=environment, capture_output=True)
        logic = CombLogic.load(Path(folder, "model/comb.json.gz"))
    return lambda: logic.predict(x)


def _measure(
    runners: dict[str, Callable[[], object]], samples: int, rounds: int
) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds + 1):
        for name, run in runners.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    # The first round warms caches and builds tapes.
    return {name: samples / statistics.median(times[1:]) for name, times in seconds.items()}


def _print(report: dict[str, object]) -> None:
    print(
        f"{report['model']}: {report['operations']} operations in {report['lane']} lanes, "
        f"{report['samples']} samples, {report['cores']} cores, {report['kernel']}"
    )
    for name, rate in report["samples_per_second"].items():  # type: ignore[attr-defined]
        print(f"  {name:<10} {rate / 1e6:8.3f} M samples/s")
    if "ratio" in report:
        print(f"  predict is {report['ratio']:.1f} times as fast as alkaid")


if __name__ == "__main__":
    main()
