"""alkaid's cores of one model, in a folder, for ``sums.py``: a process of its own.

    python benchmarks/sums_alkaid.py MODEL.keras FOLDER [PORTS.json]

Writes ``FOLDER/{combinational,pipelined}_{binary,ternary}``, prints one JSON object. With
``ports.json`` of our core alkaid's inputs have the formats of that core.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from levels import adder_levels

FORMS = ("binary", "ternary")
CUTOFFS = {"combinational": -1, "pipelined": 2}
SAMPLES = 2000


def main(model: Path, folder: Path, ports: Path | None) -> None:
    loaded, logic = traced(model, ports)
    x = random_inputs([each.shape[1:] for each in loaded.inputs], ports)
    flat = np.concatenate([each.reshape(SAMPLES, -1) for each in x], axis=1)
    made = {form: cores(logic, folder, form) for form in FORMS} | {
        "input_bits": int(np.sum(logic.inp_kifs)),
        "output_bits": int(np.sum(logic.out_kifs)),
        "outputs": digest(logic.predict(flat)),
    }
    print(json.dumps(made))


def traced(model: Path, ports: Path | None) -> tuple[Any, Any]:
    """The Keras model, and alkaid's logic of it."""
    import keras
    from alkaid.converter import trace_model
    from alkaid.trace import trace
    from hgq.layers import QDenseT

    loaded = keras.models.load_model(
        model, compile=False, custom_objects={"hgq2>QDenseT": QDenseT, "QDenseT": QDenseT}
    )
    inputs = inputs_of(ports) if ports else None
    return loaded, trace(*trace_model(loaded, solver_options={"hard_dc": 2}, inputs=inputs))


def cores(logic: Any, folder: Path, form: str) -> dict[str, Any]:
    """Write the core of both kinds; gives its levels and its stages."""
    from alkaid.codegen import RTLModel
    from alkaid.trace.passes import fuse_ternary_adders

    is_fused = form == "ternary"
    graph = fuse_ternary_adders(logic) if is_fused else logic
    made: dict[str, Any] = {
        "levels": adder_levels(graph, True),
        "levels_without_constants": adder_levels(graph, False),
    }
    for kind, cutoff in CUTOFFS.items():
        path = folder / f"{kind}_{form}"
        rtl = RTLModel(
            logic, path, "peer", latency_cutoff=cutoff, print_latency=False, ternary_fuse=is_fused
        )
        rtl.write()
        made[kind] = {"stages": int(rtl.latency)}
    return made


def inputs_of(ports: Path) -> tuple[Any, ...]:
    """alkaid's symbolic inputs, a batch of one, in the formats of our ports."""
    from alkaid.trace import FVArrayInput
    from alkaid.trace.ops import quantize

    return tuple(
        quantize(FVArrayInput((1, *kif.shape[1:])), *kif[:, None]) for kif in port_formats(ports)
    )


def port_formats(ports: Path) -> list[np.ndarray]:
    """Sign, integer and fraction bits of our input ports, int64 (3, *shape) each."""
    made = []
    for port in json.loads(ports.read_text())["inputs"]:
        kif = np.zeros((3, *port["shape"]), np.int64)
        for each in port["elements"]:
            at = (slice(None), *each["index"])
            kif[at] = np.maximum(kif[at], [each["k"], each["i"], each["f"]])
        made.append(kif)
    return made


def random_inputs(shapes: Iterable[tuple[int, ...]], ports: Path | None) -> list[np.ndarray]:
    """The same float32 numbers for both sides; rounded down to the formats of `ports`."""
    random = np.random.default_rng(0)
    x = [np.float64(np.float32(random.normal(size=(SAMPLES, *s)) * 4)) for s in shapes]
    if ports is None:
        return x
    steps = [2.0 ** -kif[2] for kif in port_formats(ports)]
    return [np.floor(each / step) * step for each, step in zip(x, steps, strict=True)]


def digest(outputs: Any) -> str:
    """Of the numbers (samples, ...) of one output, or of a list of them."""
    arrays = outputs if isinstance(outputs, list) else [outputs]
    flat = np.concatenate([np.float64(each).reshape(SAMPLES, -1) for each in arrays], axis=1)
    return hashlib.sha256((flat + 0.0).tobytes()).hexdigest()[:16]  # + 0.0: no negative zero


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
