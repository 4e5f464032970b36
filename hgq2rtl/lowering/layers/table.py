"""Functions of single numbers as tables."""

from __future__ import annotations

import numpy as np

from ..fixed_array import FixedArray
from ..functions import function_named
from ..handlers import handles
from ..layer import LoweringLayer


@handles("QUnaryFunctionLUT")
def lower_table(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """A table of any function of single numbers: of Keras, of NumPy, or one that the user gives.
    Up to 18 input bits.
    """
    function = function_named(layer.config["activation"], layer)
    return layer.quantize("output", layer.quantize("input", x).apply(function))


@handles("QAffinedUnaryFunctionLUT")
def lower_affine_table(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """A table of ``function(scale * x + bias)``. Up to 18 input bits."""
    function = function_named(layer.config["activation"], layer)
    scale, bias = layer.raw("scale")[0], layer.raw("bias")[0]

    def affined(values: np.ndarray) -> np.ndarray:
        # In the layer's float type, step by step, as Keras computes it.
        return function(values * scale + bias)

    return layer.quantize("output", layer.quantize("input", x).apply(affined))
