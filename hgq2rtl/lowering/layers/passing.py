"""Layers that matter in training only."""

from __future__ import annotations

from ..fixed_array import FixedArray
from ..handlers import handles
from ..layer import LoweringLayer


@handles(
    "Dropout",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "ActivityRegularization",
    "Identity",
)
def lower_identity(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Layers that do nothing at inference."""
    return x
