"""The cocotb bench: written into an output folder, where it lives on without hgq2rtl.

`write_cocotb_bench` copies ``run.py``, ``bench.py`` and the modules that they
share with this package into the folder's ``sim/``, beside the vectors;
`run_cocotb` runs them there in a process of their own, just as a user does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from hgq2rtl import errors
from hgq2rtl.sim import tools, vectors
from hgq2rtl.sim.ports import Ports, load_ports, to_json

COPIED = (
    ("hgq2rtl.sim", "run.py"),
    ("hgq2rtl.sim", "bench.py"),
    ("hgq2rtl.sim", "ports.py"),
    ("hgq2rtl.sim", "tools.py"),
    ("hgq2rtl", "errors.py"),
)
"""What run.py needs, so that it runs where hgq2rtl is not installed."""


@dataclass(frozen=True)
class CocotbResult:
    """A bench that passed."""

    samples: int
    latency_cycles: int
    tests: int
    build_seconds: float
    run_seconds: float


def write_cocotb_bench(
    folder: str | Path,
    ports: Ports | Mapping[str, Any] | str | Path,
    inputs: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
) -> Path:
    """Write ``sim/`` into an output folder; gives the path of its ``run.py``.

    Parameters
    ----------
    folder : path
        The output folder: ``ports.json`` and ``rtl/`` lie in it. A ports.json
        that is not there yet is written.
    ports : path of ports.json, its content, or `Ports`
    inputs, expected : sequences of uint32 (samples, words)
        Bus words of every input and output port.
    """
    ports = load_ports(ports)
    sim = Path(folder) / "sim"
    sim.mkdir(parents=True, exist_ok=True)
    for package, name in COPIED:
        (sim / name).write_text(resources.files(package).joinpath(name).read_text("utf-8"), "utf-8")
    samples = vectors.write_vectors(sim / "inputs.bin", ports.inputs, inputs)
    if samples != vectors.write_vectors(sim / "expected.bin", ports.outputs, expected):
        raise ValueError("inputs and expected outputs differ in their number of samples")
    if samples == 0:
        raise ValueError("a bench needs samples")
    ports_file = Path(folder) / "ports.json"
    if not ports_file.exists():
        ports_file.write_text(json.dumps(to_json(ports), indent=1) + "\n", "utf-8")
    return sim / "run.py"


def run_cocotb(
    folder: str | Path,
    rtl_files: Sequence[str | Path],
    build_dir: str | Path,
    simulator: str = "verilator",
) -> CocotbResult:
    """Run the bench of an output folder with ``"verilator"`` or ``"icarus"``.

    Raises
    ------
    Mismatch
        With the bench's own message: the first sample and output element that
        differ, the latency if that is wrong, or what enable and valid do.
    MissingTool, ToolFailed
        If it cannot be built or run.
    """
    build_dir = Path(build_dir).resolve()
    build_dir.mkdir(parents=True, exist_ok=True)
    result_file = build_dir / "result.json"
    result_file.unlink(missing_ok=True)
    log = build_dir / "cocotb.log"
    command = [sys.executable, Path(folder) / "sim" / "run.py", "--sim", simulator]
    command += ["--ports", Path(folder) / "ports.json", "--build-dir", build_dir]
    command += ["--rtl", *rtl_files]
    with log.open("w") as output:
        done = subprocess.run(command, stdout=output, stderr=output, check=False)
    if not result_file.exists():
        raise errors.ToolFailed(
            f"the cocotb bench ended with code {done.returncode}. "
            f"The end of {log}:\n{tools.last_lines(log)}"
        )
    result = json.loads(result_file.read_text("utf-8"))
    outcome = result.pop("outcome")
    if outcome == "passed":
        return CocotbResult(**result)
    raise getattr(errors, outcome)(result["message"])
