"""Convolutions: one linear block, the same at every position."""

from __future__ import annotations

import numpy as np

from ..fixed_array import FixedArray
from ..handlers import finish, handles
from ..layer import LoweringLayer
from ..patches import as_given, channels_last, convolved, zero_padded


@handles("QConv1D", "QConv2D", "QConv3D", "Conv1D", "Conv2D", "Conv3D")
def lower_convolution(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``activation(conv(x, kernel) + bias)``, any strides, dilation, groups and padding. The
    zeros of causal padding go through the input quantizer, as in HGQ; those of `same` do not.
    """
    x = layer.quantize("input", _causally_padded(layer, x))
    kernel, groups = layer.array("kernel"), layer.config["groups"]
    return _finished(layer, convolved(_grid(layer, x), kernel, layer.config["windows"], groups))


@handles("DepthwiseConv1D", "DepthwiseConv2D")
def lower_depthwise_convolution(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """A convolution of each channel by itself."""
    return _finished(layer, _depthwise(layer, x, "kernel"))


@handles("SeparableConv1D", "SeparableConv2D")
def lower_separable_convolution(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """A depthwise convolution, then a matrix over the channels of each position."""
    pointwise = layer.array("pointwise_kernel")
    mixed = _depthwise(layer, x, "depthwise_kernel") @ pointwise.reshape(*pointwise.shape[-2:])
    return _finished(layer, mixed)


@handles("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def lower_transposed_convolution(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Each input spreads its kernel: a convolution with the kernel turned round."""
    stored = layer.raw("kernel")
    turned = np.flip(stored, tuple(range(stored.ndim - 2))).swapaxes(-1, -2)
    kernel = layer.constant("kernel", turned)
    return _finished(layer, convolved(_grid(layer, x), kernel, layer.config["windows"]))


def _depthwise(layer: LoweringLayer, x: FixedArray, name: str) -> FixedArray:
    kernel = layer.array(name)
    *sizes, channels, multiplier = kernel.shape
    alone = kernel.reshape(*sizes, 1, channels * multiplier)
    return convolved(_grid(layer, x), alone, layer.config["windows"], groups=channels)


def _causally_padded(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    time = 1 if layer.config["data_format"] == "channels_first" else 0
    around = [(layer.config["causal"] if axis == time else 0, 0) for axis in range(x.ndim)]
    return zero_padded(x, around)


def _grid(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    return channels_last(x, layer.config["data_format"])


def _finished(layer: LoweringLayer, y: FixedArray) -> FixedArray:
    """Bias, the axes in their order, activation, output quantizer."""
    if layer.has("bias"):
        y = y + layer.array("bias")
    return finish(layer, as_given(y, layer.config["data_format"]))
