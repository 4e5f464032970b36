"""Padding, cropping and up-sampling: index maps, and sums for bilinear interpolation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..fixed_array import FixedArray
from ..handlers import handles
from ..layer import LoweringLayer
from ..patches import as_given, channels_last, zero_padded


@handles("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def lower_zero_padding(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Zeros around the spatial axes."""
    return zero_padded(x, layer.config["padding"])


@handles("Cropping1D", "Cropping2D", "Cropping3D")
def lower_cropping(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The middle of the spatial axes."""
    return x[layer.config["key"]]


@handles("UpSampling1D", "UpSampling2D", "UpSampling3D")
def lower_up_sampling(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Each element repeated, or bilinear interpolation by powers of two."""
    y = channels_last(x, layer.config["data_format"])
    resize = _interpolated if layer.config["interpolation"] == "bilinear" else _repeated
    return as_given(resize(y, layer.config["factors"]), layer.config["data_format"])


def _repeated(x: FixedArray, factors: Sequence[int]) -> FixedArray:
    wires = x.wires
    for axis, factor in enumerate(factors):
        wires = np.repeat(wires, factor, axis)
    return x.moved(wires)


def _interpolated(x: FixedArray, factors: Sequence[int]) -> FixedArray:
    for axis, factor in enumerate(factors):
        last = x.moved(np.moveaxis(x.wires, axis, -1))
        sums = last @ interpolation(x.shape[axis], factor)
        x = sums.moved(np.moveaxis(sums.wires, -1, axis))
    return x


def interpolation(extent: int, factor: int) -> np.ndarray:
    """Weights of linear interpolation, (extent, extent * factor), exact for powers of two.

    Elements stand for the middles of equal cells; beyond the outermost ones, these go on.
    """
    middles = np.clip((np.arange(extent * factor) + 0.5) / factor - 0.5, 0, extent - 1)
    return np.maximum(1 - np.abs(middles - np.arange(extent)[:, None]), 0)
