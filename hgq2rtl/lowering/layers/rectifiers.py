"""The family of ReLU: a straight line on either side of a threshold, exact."""

from __future__ import annotations

from ..fixed_array import FixedArray
from ..handlers import handles
from ..layer import LoweringLayer


@handles("ReLU")
def lower_relu(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``max(x, 0)``, with max_value, negative_slope and threshold: exact for any float32."""
    kind, maximum = layer.float_type, layer.config.get("max_value")
    slope, threshold = layer.config.get("negative_slope", 0.0), layer.config.get("threshold", 0.0)
    y = x.relu() if threshold == 0 else (x > kind(threshold)).where(x, 0)
    if maximum is not None:  # which also cuts what a negative threshold lets through
        y = y.clip(0, kind(maximum))
    return y - (kind(threshold) - x).relu() * kind(slope) if slope else y


@handles("PReLU")
def lower_prelu(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``max(x, 0) - alpha * max(-x, 0)``: a trained slope below 0, exact."""
    return x.relu() - (-x).relu() * layer.array("alpha")
