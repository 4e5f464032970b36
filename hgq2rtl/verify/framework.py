"""The first rung: the framework's own inference, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import BadOption, Mismatch, MissingTool, ToolFailed
from ..ir import Program
from ..ir.interpreter import Interpreter

_NOT_INSTALLED = 77
"""Exit code of ``keras_process`` where Keras or hgq2 is missing."""


def check_framework(program: Program, model: Path, inputs: Sequence[np.ndarray]) -> int:
    """Compare the interpreter with Keras inference; gives the number of samples.

    Raises
    ------
    Mismatch
        Naming output, element and sample.
    BadOption
        If the model computes in float64, or is not the one that was compiled.
    MissingTool
        If Keras, JAX or hgq2 is not installed.
    ToolFailed
        If the framework cannot load or run the model.
    """
    _check_is_a_reference(program, model)
    wanted = run_framework(Path(model), inputs)
    got = Interpreter(program).predict(inputs)
    if len(wanted) != len(got):
        raise BadOption(
            f"{model} has {len(wanted)} outputs and the design {len(got)}: give the model that "
            "was compiled"
        )
    for port, a, b in zip(program.outputs, wanted, got, strict=True):
        if a.shape != b.shape:
            raise BadOption(
                f"{model}: output {port.name!r} has shape {a.shape[1:]} and the design's "
                f"{b.shape[1:]}: give the model that was compiled"
            )
        differs = a.astype(np.float64) != b
        if differs.any():
            sample, *index = (int(n) for n in np.argwhere(differs)[0])
            raise Mismatch(
                f"{int(differs.reshape(len(a), -1).any(axis=1).sum())} of {len(a)} samples differ "
                f"between Keras and interpreter. Output {port.name!r}{index}, sample {sample}: "
                f"Keras gives {float(a[(sample, *index)])!r}, the interpreter "
                f"{float(b[(sample, *index)])!r}."
            )
    return len(inputs[0])


def _check_is_a_reference(program: Program, model: Path) -> None:
    """Keras 3.15 on JAX casts to float32 inside floor and round, whatever the policy."""
    if any(field.float_type == "float64" for port in program.inputs for field in port.fields):
        raise BadOption(
            f"{model} computes in float64, and Keras on JAX rounds its quantizers through float32 "
            "all the same: it is no reference. Check without a model."
        )


def run_framework(model: Path, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Keras' outputs for float inputs (samples, *shape)."""
    with tempfile.TemporaryDirectory(prefix="hgq2rtl-keras-") as folder:
        given, made = Path(folder, "inputs.npz"), Path(folder, "outputs.npz")
        np.savez(given, *inputs)
        done = subprocess.run(
            # -P: the user's current folder may hold files called like modules.
            [sys.executable, "-P", "-m", "hgq2rtl.verify.keras_process", model, given, made],
            capture_output=True,
            text=True,
            env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
            check=False,
        )
        if done.returncode == _NOT_INSTALLED:
            raise MissingTool(
                f"the framework's own inference needs Keras, JAX and hgq2 ({done.stderr.strip()}): "
                "install them with `pip install 'hgq2rtl[train]'`"
            )
        if done.returncode:
            tail = "\n".join(done.stderr.splitlines()[-5:])
            raise ToolFailed(f"Keras could not run {model}:\n{tail}")
        with np.load(made) as outputs:
            return [outputs[name] for name in outputs.files]
