"""Layers with a kernel over features: dense and einsum, plain and with batch norm folded in."""

from __future__ import annotations

import numpy as np

from ...errors import UnsupportedLayer
from ..fixed_array import FixedArray
from ..handlers import finish, handles
from ..layer import LoweringLayer
from ..products import einsum
from .batchnorm import batchnorm_scale


@handles("QDense", "Dense")
def lower_dense(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``activation(x @ kernel + bias)`` on the last axis. Without quantizers the weights are exact
    floats."""
    y = layer.quantize("input", x) @ layer.array("kernel")
    if layer.has("bias"):
        y = y + layer.array("bias")
    return finish(layer, y)


@handles("QEinsumDense", "EinsumDense")
def lower_einsum_dense(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``activation(einsum(equation, x, kernel) + bias)``."""
    x = layer.quantize("input", x)
    y = einsum(_without_batch(layer), x, layer.array("kernel"))
    if layer.has("bias"):
        y = y + layer.array("bias")
    return finish(layer, y)


@handles("QBatchNormDense")
def lower_batch_norm_dense(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """QDense with the batch norm of its input folded into kernel and bias.

    HGQ folds in float32: kernel * s and bias - mean @ kernel, s = gamma / sqrt(var + epsilon);
    the mean is not scaled.
    """
    kernel, scale = layer.raw("kernel"), batchnorm_scale(layer, layer.config["epsilon"])
    folded_kernel = kernel * np.broadcast_to(scale, kernel.shape[:1])[:, None]
    folded_bias = layer.raw("bias") - layer.raw("moving_mean") @ kernel
    y = layer.quantize("input", x) @ layer.constant("kernel", folded_kernel)
    return finish(layer, y + layer.constant("bias", folded_bias))


@handles("QEinsumDenseBatchnorm")
def lower_einsum_dense_batchnorm(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """QEinsumDense whose output's batch normalization is folded into kernel and bias.

    HGQ folds in float32: kernel * s and bias - mean * s, s = gamma / sqrt(var + 1e-7);
    its epsilon option has no effect.
    """
    equation = _without_batch(layer)
    scale = batchnorm_scale(layer, epsilon=1e-7)
    folded_bias = layer.raw("bias", 0.0) - layer.raw("moving_mean") * scale
    folded_kernel = layer.raw("kernel") * _along_kernel(layer, scale, equation)
    x = layer.quantize("input", x)
    y = einsum(equation, x, layer.constant("kernel", folded_kernel))
    return finish(layer, y + layer.constant("bias", folded_bias))


def _along_kernel(layer: LoweringLayer, scale: np.ndarray, equation: str) -> np.ndarray:
    """Reshape `scale`, over the normalized output labels, so that it broadcasts to the kernel."""
    operands, result = equation.split("->")
    kernel = operands.split(",")[1]
    normalized = [c for c in result if c in layer.config["bias_axes"]]
    if any(c not in kernel for c in normalized):
        raise UnsupportedLayer(
            f"{layer.where}: batch normalization over an axis that the kernel lacks "
            f"({equation!r}, axes {layer.config['bias_axes']!r}) cannot be folded."
        )
    sizes = [n for n in scale.shape if n != 1] if scale.ndim != len(normalized) else scale.shape
    ordered = scale.reshape(tuple(sizes))
    axes = sorted(range(len(normalized)), key=lambda n: kernel.index(normalized[n]))
    shape = [1] * len(kernel)
    for n in axes:
        shape[kernel.index(normalized[n])] = ordered.shape[n]
    return ordered.transpose(axes).reshape(shape)


def _without_batch(layer: LoweringLayer) -> str:
    """The equation without the batch label, which leads data and result."""
    operands, result = layer.config["equation"].split("->")
    data, kernel = operands.split(",")
    batch = data[0]
    if batch in kernel or not result.startswith(batch):
        raise UnsupportedLayer(
            f"{layer.where}: equation {layer.config['equation']!r} mixes the batch axis. "
            "Keep the batch first, in data and result only."
        )
    return f"{data[1:]},{kernel}->{result[1:]}"
