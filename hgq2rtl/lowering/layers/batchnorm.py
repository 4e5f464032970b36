"""Batch normalization: a scale and an offset for each place along some axes."""

from __future__ import annotations

import numpy as np

from ...errors import BadModelFile
from ..fixed_array import FixedArray
from ..handlers import finish, handles
from ..layer import LoweringLayer


@handles("QBatchNormalization")
def lower_batch_normalization(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``x * scale + offset`` along one axis.

    HGQ adds 1, not 0, to the offset where ``center`` is off.
    """
    scale = batchnorm_scale(layer, epsilon=layer.config["epsilon"])
    offset = layer.raw("beta", 1.0) - layer.raw("moving_mean") * scale
    axis = layer.config["axis"]
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    y = layer.quantize("input", x) * layer.constant("kernel", scale).reshape(*shape)
    return finish(layer, y + layer.constant("bias", offset).reshape(*shape))


@handles("BatchNormalization")
def lower_plain_batch_normalization(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``x * scale + offset`` along one axis: the constants are folded in floats, as Keras folds
    them, and then exact."""
    inverse = _reciprocal_root(layer) * layer.raw("gamma", 1.0)
    offset = layer.raw("beta", 0.0) - layer.raw("moving_mean") * inverse
    shape = [1] * x.ndim
    shape[layer.config["axis"]] = x.shape[layer.config["axis"]]
    return x * inverse.reshape(shape) + np.broadcast_to(offset, inverse.shape).reshape(shape)


def _reciprocal_root(layer: LoweringLayer) -> np.ndarray:
    kind = layer.float_type
    variance = layer.raw("moving_variance") + kind(layer.config["epsilon"])
    return (1 / np.sqrt(variance.astype(np.float64))).astype(kind)


def batchnorm_scale(layer: LoweringLayer, epsilon: float) -> np.ndarray:
    """``gamma / sqrt(variance + epsilon)`` in float32, as HGQ computes it."""
    variance = layer.raw("moving_variance")
    if np.any(variance + np.float32(epsilon) <= 0):
        raise BadModelFile(
            f"{layer.where}: a moving variance is negative, so the scale is no number. "
            "The file is damaged or training diverged."
        )
    return layer.raw("gamma", 1.0) / np.sqrt(variance + np.float32(epsilon))
