"""Poolings: the greatest or the average of what a window sees."""

from __future__ import annotations

from ..fixed_array import FixedArray
from ..handlers import finish, handles
from ..layer import LoweringLayer
from ..patches import as_given, channels_last, inner_patches, patch_sizes, patches


@handles("QMaxPooling1D", "QMaxPooling2D", "QMaxPooling3D")
@handles("MaxPooling1D", "MaxPooling2D", "MaxPooling3D")
def lower_max_pooling(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The greatest element that each window sees; padding never wins."""
    x = channels_last(layer.quantize("input", x), layer.config["data_format"])
    y = inner_patches(x, layer.config["windows"]).max(axis=-2)
    return finish(layer, as_given(y, layer.config["data_format"]))


@handles("QAveragePooling1D", "QAveragePooling2D", "QAveragePooling3D")
@handles("AveragePooling1D", "AveragePooling2D", "AveragePooling3D")
def lower_average_pooling(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The average of the elements that each window sees; padding does not count. Where their
    number is no power of two, a quantizer must follow: it rounds the exact quotient. (Keras
    multiplies by a rounded reciprocal, which for 7, 13, 14 or 15 elements may miss a tie.)
    """
    x = channels_last(layer.quantize("input", x), layer.config["data_format"])
    windows = layer.config["windows"]
    y = patches(x, windows).sum(axis=-2) / patch_sizes(x.shape[:-1], windows)
    return finish(layer, as_given(y, layer.config["data_format"]))


@handles("QGlobalMaxPooling1D", "QGlobalMaxPooling2D", "QGlobalMaxPooling3D")
@handles("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D")
def lower_global_max_pooling(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The greatest element of each channel."""
    x = layer.quantize("input", x)
    return finish(layer, x.max(layer.config["axes"], layer.config["keepdims"]))


@handles("QGlobalAveragePooling1D", "QGlobalAveragePooling2D", "QGlobalAveragePooling3D")
@handles("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D")
def lower_global_average_pooling(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The average of each channel; where it has no power of two of elements, a quantizer must
    follow, as for a windowed average.
    """
    x = layer.quantize("input", x)
    return finish(layer, x.mean(layer.config["axes"], layer.config["keepdims"]))
