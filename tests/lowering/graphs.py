"""Layer graphs made by hand, small enough to read, and their Programs on floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hgq2rtl.frontends import Call, Layer, LayerGraph, Port, Quantizer
from hgq2rtl.ir import Program, verify
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.lowering import FormatWish, lower

PORT = FormatWish(1, 2, 2)
"""What the inputs hold where a test says nothing else: quarters from -4 to 3.75."""


def quantizer(
    k: Any = 1, i: Any = 2, f: Any = 1, rounding: str = "RND", overflow: str = "WRAP", **more: Any
) -> Quantizer:
    """A quantizer from numbers or arrays that broadcast."""
    arrays = np.broadcast_arrays(*(np.asarray(n, np.int64) for n in (k, i, f)))
    return Quantizer(*arrays, rounding, overflow, **more)


def graph_of(
    layers: Sequence[Layer], *shapes: tuple[int, ...], arguments: Any = None, outputs: int = 1
) -> LayerGraph:
    """The first layer takes all inputs, of these shapes; each later one the result before it.

    The last layer may have several outputs.
    """
    inputs = [Port(f"in{n}", n) for n in range(len(shapes))]
    calls, read = [], tuple(range(len(shapes)))
    for n, layer in enumerate(layers, len(shapes)):
        calls.append(Call(layer, read, (n,), arguments or {}))
        read = (n,)
    last = calls.pop()
    made = tuple(range(last.outputs[0], last.outputs[0] + outputs))
    calls.append(replace(last, outputs=made))
    return LayerGraph(
        name="net",
        source="net.keras",
        origin="a test",
        inputs=inputs,
        calls=calls,
        outputs=[Port(f"out{n or ''}", tensor) for n, tensor in enumerate(made)],
        shapes=[*shapes, *[()] * (len(layers) + outputs - 1)],
    )


def lowered(graph: LayerGraph, **wishes: Mapping[str, FormatWish]) -> Program:
    """The Program, with every input port fixed to `PORT` unless `input_formats` says otherwise."""
    wishes.setdefault("input_formats", {port.name: PORT for port in graph.inputs})
    return verify(lower(graph, **wishes))


def inputs_of(*shapes: tuple[int, ...], samples: int = 60, seed: int = 0) -> list[np.ndarray]:
    """Numbers that `PORT` holds: its ends, zero, then any."""
    rng = np.random.default_rng(seed)
    lo, hi = -(2 ** (PORT.i + PORT.f)), 2 ** (PORT.i + PORT.f) - 1
    arrays = []
    for shape in shapes:
        m = rng.integers(lo, hi, (samples, *shape), endpoint=True)
        m[:3] = np.array([lo, hi, 0]).reshape(3, *[1] * len(shape))
        arrays.append(np.ldexp(m.astype(np.float64), -PORT.f))
    return arrays


def predicted(program: Program, *arrays: np.ndarray) -> np.ndarray:
    """The only output of `program`, in floats."""
    (result,) = Interpreter(program).predict(arrays)
    return result
