"""Softmax by two tables: of exponentials, and of the inverse of their sum."""

from __future__ import annotations

import numpy as np

from ...errors import UnsupportedLayer
from ...fixed import ExactArray
from ..fixed_array import FixedArray
from ..functions import ArrayFunction, in_float64
from ..handlers import finish, handles
from ..layer import LoweringLayer

EPSILON = 1e-7
"""Keras' own; it is added to the sum."""

Mask = FixedArray | np.ndarray
"""Truth values that broadcast to what they mask."""


@handles("QSoftmax")
def lower_softmax(layer: LoweringLayer, *inputs: FixedArray) -> FixedArray:
    """``exp(x)`` over its sum along one or several axes: a table of exponentials, and one of the
    sum's inverse, of up to 18 input bits each. A mask may be constant, or truth values.

    A stable one takes the distance to the largest x, in the bits of its table's input
    quantizer; a table that is not stable has the bits of x.
    """
    _, *masks = layer.operands(inputs)
    return masked_softmax(layer, inputs[0], *masks)


def masked_softmax(layer: LoweringLayer, x: FixedArray, mask: Mask | None = None) -> FixedArray:
    """The softmax over the entries where `mask` is true."""
    axes, scaler = layer.config["axes"], layer.config["input_scaler"]
    exp_table, inv_table = layer.part("exp_table"), layer.part("inv_table")
    if isinstance(mask, FixedArray):
        mask = truth_values(layer, mask)
    x = layer.quantize("input", x)
    if layer.config["stable"]:
        x = exp_table.quantize("input", _distance_to_largest(x, axes, mask))
        scaler = -scaler
    e = exp_table.quantize("output", x.apply(_exponential(scaler)))
    if mask is not None:
        e = _where(mask, e, 0)
    total = inv_table.quantize("input", e.sum(axes, keepdims=True))
    return finish(layer, e * inv_table.quantize("output", total.apply(_inverse)))


def _distance_to_largest(x: FixedArray, axes: tuple[int, ...], mask: Mask | None) -> FixedArray:
    """``max(x) - x``, the maximum over what is not masked; anything at masked places."""
    if mask is None:
        return _without_sign(x.max(axes, keepdims=True) - x)
    distance = _where(mask, x, _bound_below(x)).max(axes, keepdims=True) - x
    return _without_sign(distance if isinstance(mask, FixedArray) else _where(mask, distance, 0))


def _where(mask: Mask, x: FixedArray, other: ExactArray | int) -> FixedArray:
    if isinstance(mask, FixedArray):
        return mask.where(x, other)
    return x.moved(np.where(mask, x.wires, x.lifted(other).wires))


def _without_sign(x: FixedArray) -> FixedArray:
    """`x`, which is never negative though its intervals do not tell: this halves a table."""
    builder, wires = x.tracer.builder, x.wires.reshape(-1).tolist()
    f = np.array([-builder.exponents[wire] for wire in wires]).reshape(x.shape)
    bits = np.array([builder.intervals[wire][1].bit_length() for wire in wires]).reshape(x.shape)
    return x.quantize(0, bits - f, f, "TRN", "WRAP")


def _bound_below(x: FixedArray) -> ExactArray:
    """A number that no element is below."""
    builder = x.tracer.builder
    wires = x.formatted().wires.reshape(-1).tolist()
    finest = min(builder.exponents[wire] for wire in wires)
    least = min(builder.intervals[wire][0] << (builder.exponents[wire] - finest) for wire in wires)
    return ExactArray(np.array(least), np.array(finest, np.int64))


def truth_values(layer: LoweringLayer, mask: FixedArray) -> FixedArray:
    builder = mask.tracer.builder
    wires = set(mask.formatted().wires.reshape(-1).tolist())
    is_truth = all(
        builder.exponents[wire] == 0 and 0 <= lo and hi <= 1
        for wire in wires
        for lo, hi in [builder.intervals[wire]]
    )
    if not (mask.is_bool or is_truth):
        raise UnsupportedLayer(
            f"{layer.where}: its mask is a tensor of numbers. Give it truth values: compare the "
            "tensor, or give the input that holds them the format 0,1,0."
        )
    return mask.truth()


def _exponential(scaler: float) -> ArrayFunction:
    exp = in_float64(np.exp)
    return lambda x: exp(x * x.dtype.type(scaler))


def _inverse(x: np.ndarray) -> np.ndarray:
    """In the float type of `x`, step by step, as Keras computes it."""
    return 1 / (x + x.dtype.type(EPSILON))
