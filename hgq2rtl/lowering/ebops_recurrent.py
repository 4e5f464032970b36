"""EBOPs of recurrences, unrolled: those of one step of the cell, times the steps.

HGQ2 counts one step of a QGRU only, and the steps of a QSimpleRNN twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..frontends.graph import Call, Layer
from .ebops_bits import ADDITION, bits

Shape = tuple[int, ...]


def recurrence(call: Call, shapes: Sequence[Shape]) -> float:
    """A cell along a sequence."""
    steps, size = shapes[0]
    return steps * step(call.layer.parts["cell"], size, steps)


def single_step(call: Call, shapes: Sequence[Shape]) -> float:
    """A cell that is a layer."""
    return step(call.layer, shapes[0][0], 1)


def bidirectional(call: Call, shapes: Sequence[Shape]) -> float:
    """Two recurrences."""
    steps, size = shapes[0]
    return steps * sum(step(p.parts["cell"], size, steps) for p in call.layer.parts.values())


def step(cell: Layer, size: int, steps: int) -> float:
    """One step of a cell on `size` numbers; `steps` is the length of the sequence."""
    if cell.class_name == "StackedRNNCells":
        total = 0.0
        for number in range(len(cell.parts)):
            part = cell.parts[f"cell_{number}"]
            total += step(part, size, steps)
            size = part.config["units"]
        return total
    return _STEPS[cell.class_name](cell, size, steps)


def _simple(cell: Layer, size: int, steps: int) -> float:
    units = cell.config["units"]
    place = "state" if cell.quantizers.get("state") else "candidate"
    state = _at(cell, place, units)
    products = _weighted(_at(cell, "input", size), cell, "kernel")
    return float(products + _weighted(state, cell, "recurrent_kernel") + _bias(cell))


def _gated(cell: Layer, size: int, steps: int) -> float:
    units = cell.config["units"]
    state, candidate = _at(cell, "state", units), _at(cell, "candidate", units)
    reset_state, gates = _at(cell, "reset_state", units), _at(cell, "gates", 2 * units)
    keep, reset = gates[:units], gates[units:]
    total = _weighted(_at(cell, "input", size), cell, "kernel") + _bias(cell)
    if cell.config["reset_after"]:
        total += _weighted(state, cell, "recurrent_kernel") + (reset * reset_state).sum()
    else:
        split = slice(0, 2 * units)
        total += _weighted(state, cell, "recurrent_kernel", split)
        total += _weighted(reset_state, cell, "recurrent_kernel", slice(2 * units, None))
        total += (reset * state).sum()
    return float(total + (keep * (candidate + state)).sum())


def _spiking(cell: Layer, size: int, steps: int) -> float:
    x = _at(cell, "input", size)
    is_bounded = bool(cell.quantizers.get("state"))
    membrane = _at(cell, "state", size) if is_bounded else x + math.ceil(math.log2(steps))
    adding = ADDITION * (membrane + x - np.minimum(membrane, x)).sum()
    leaking = (membrane * _at(cell, "beta", size)).sum() if "beta" in cell.arrays else 0.0
    comparing = ADDITION * membrane.sum()
    price = {"subtract": ADDITION, "zero": 1.0, "none": 0.0}[cell.config["reset_mechanism"]]
    spikes = _at(cell, "graded_spikes_factor", size).sum()
    return float(adding + leaking + comparing + spikes + price * membrane.sum())


_STEPS: dict[str, Callable[[Layer, int, int], float]] = {
    "QSimpleRNNCell": _simple,
    "QGRUCell": _gated,
    "QSimpleSNNCell": _spiking,
    "QLIFCell": _spiking,
}


def _at(cell: Layer, place: str, size: int) -> np.ndarray:
    quantizers = cell.quantizers.get(place, ())
    return bits(quantizers[0], (size,)) if quantizers else np.zeros(size)


def _weighted(x: np.ndarray, cell: Layer, place: str, columns: slice = slice(None)) -> np.ndarray:
    """Sum over all products of `x` with some columns of a weight matrix."""
    quantizers = cell.quantizers.get(place, ())
    if not quantizers:
        return np.zeros(())
    weights = bits(quantizers[0], cell.arrays[place].shape)[:, columns]
    return np.asarray((x @ weights).sum())


def _bias(cell: Layer) -> float:
    quantizers = cell.quantizers.get("bias", ())
    if not quantizers:
        return 0.0
    return float(bits(quantizers[0], cell.arrays["bias"].shape).sum())
