"""Masking: steps of a sequence that hold one certain number are cleared."""

from __future__ import annotations

import numpy as np

from ..fixed_array import FixedArray
from ..handlers import handles
from ..layer import LoweringLayer


@handles("Masking")
def lower_masking(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``x`` where any feature of a step differs from ``mask_value``, else 0."""
    differs = x != np.array(layer.config["mask_value"], layer.float_type)
    return differs.any(axis=-1, keepdims=True).where(x, 0)
