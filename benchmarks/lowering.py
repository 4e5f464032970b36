"""From file to Program against alkaid's trace of the loaded model, in one run.

    python benchmarks/lowering.py [MODEL.keras ...] [--runs 3]

Each timing is a process of its own. Of hgq2rtl: reading the file and lowering it, and beside
that the passes, which solve the sums. Of alkaid: its trace, which solves them too; loading the
model with Keras is not counted. Peak memory is that of the process. Needs ``pip install alkaid
keras jax hgq2`` beside hgq2rtl. Prints a table and writes ``benchmarks/results/lowering.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
MODELS = HERE.parent.parent / "shared/models/hgq2"
DEFAULT = [MODELS / "attention/mha8part.keras", MODELS / "jsc_plf/n32_f16_ebops64425.keras"]
KEYS = {"hgq2rtl": ("lower", "lower and passes"), "alkaid": ("trace",)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path, default=DEFAULT)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--once", choices=KEYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        print(
            json.dumps(
                {"hgq2rtl": hgq2rtl_once, "alkaid": alkaid_once}[given.once](given.models[0])
            )
        )
        return
    results = [compare(model, given.runs) for model in given.models]
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    (folder / "lowering.json").write_text(json.dumps(results, indent=1) + "\n")


def hgq2rtl_once(model: Path) -> dict:
    from hgq2rtl.frontends import read
    from hgq2rtl.lowering import lower
    from hgq2rtl.passes import run_passes

    start = time.perf_counter()
    program = lower(read(model))
    lowered = time.perf_counter() - start
    solved = run_passes(program)
    both = time.perf_counter() - start
    return {"lower": lowered, "lower and passes": both, "operations": len(solved), **peak()}


def alkaid_once(model: Path) -> dict:
    import hgq  # noqa: F401  registers its layers
    import keras
    from alkaid.converter import trace_model
    from alkaid.trace import trace

    loaded = keras.models.load_model(model, compile=False)
    start = time.perf_counter()
    made = trace(*trace_model(loaded))
    return {"trace": time.perf_counter() - start, "operations": len(made.ops), **peak()}


def peak() -> dict:
    return {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def compare(model: Path, runs: int) -> dict:
    found: dict[str, list[dict]] = {name: [] for name in KEYS}
    for _ in range(runs):
        for name in KEYS:
            found[name].append(run_once(name, model))
    print(f"{model.name}, seconds (median of {runs})")
    medians = {}
    for name, keys in KEYS.items():
        for key in keys:
            medians[key] = statistics.median(each[key] for each in found[name])
            last = found[name][-1]
            print(
                f"  {name:8} {key:17} {medians[key]:7.2f}   {last['operations']:7} operations, "
                f"{last['peak_mib']:6.0f} MiB"
            )
    ratio = medians["lower"] / medians["trace"]
    print(f"  lower / trace = {ratio:.2f}   (at most 0.50 is wanted)")
    return {"model": model.name, "runs": found, "medians": medians, "ratio": ratio}


def run_once(name: str, model: Path) -> dict:
    done = subprocess.run(
        [sys.executable, __file__, str(model), "--once", name],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
