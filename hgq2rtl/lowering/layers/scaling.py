"""Constants that shift and scale data: Rescaling and Normalization."""

from __future__ import annotations

import numpy as np

from ..fixed_array import FixedArray
from ..handlers import handles
from ..layer import LoweringLayer

SMALLEST_DEVIATION = 1e-7
"""Keras' epsilon: no standard deviation counts as less."""


@handles("Rescaling")
def lower_rescaling(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``x * scale + offset``, exact for any float32."""
    scale, offset = (np.asarray(layer.config[n], layer.float_type) for n in ("scale", "offset"))
    return x * scale + offset


@handles("Normalization")
def lower_normalization(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``(x - mean) / deviation``: exact where the deviation is a power of two, else an exact
    division that needs a quantizer behind it. Inverted: ``mean + x * deviation``."""
    mean, variance = (_along(layer, x, name) for name in ("mean", "variance"))
    deviation = np.maximum(np.sqrt(variance), layer.float_type(SMALLEST_DEVIATION))
    if layer.config["invert"]:
        return x * deviation + mean
    return (x - mean) / deviation


def _along(layer: LoweringLayer, x: FixedArray, name: str) -> np.ndarray:
    """Statistics in the layer's float type, so that they broadcast to the input."""
    axis = layer.config["axis"]
    stored = layer.raw(name) if layer.has(name) else np.asarray(layer.config[name])
    shape = [size if n in axis else 1 for n, size in enumerate(x.shape)]
    return stored.astype(layer.float_type).reshape(shape)
