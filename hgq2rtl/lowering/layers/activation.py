"""Activations without weights, and quantizers that stand alone."""

from __future__ import annotations

from ..fixed_array import FixedArray
from ..handlers import activate, handles
from ..layer import LoweringLayer


@handles("Quantizer")
def lower_quantizer(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """A quantizer as a layer of its own."""
    return layer.quantize("input", x)


@handles("Activation")
def lower_activation(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """A function of single numbers, by name: exact where it is straight between exact numbers
    (relu, relu6, hard_tanh, hard_shrink, threshold, abs, floor, ...); any other must be
    followed by a quantizer, which makes it a table of up to 18 input bits. No softmax.
    """
    return activate(layer, x)
