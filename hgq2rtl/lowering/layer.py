"""What a handler sees of its layer: options, exact constants, quantizers."""

from __future__ import annotations

import numpy as np

from ..errors import UnsupportedLayer
from ..fixed import ExactArray, exact, quantize_float32
from ..frontends.graph import Call, Quantizer
from .fixed_array import FixedArray

_FLOAT32 = np.float32


class LoweringLayer:
    """One call of a layer during lowering."""

    def __init__(self, call: Call, where: str):
        self.layer = call.layer
        self.config = call.layer.config
        self.arguments = call.arguments
        self.where = where
        """``dense_3 (QDense) in jet.keras``: the beginning of a message."""

    def quantize(self, place: str, x: FixedArray, index: int = 0) -> FixedArray:
        """`x` through the layer's quantizer at `place`; unchanged where there is none."""
        quantizers = self.layer.quantizers.get(place, ())
        if not quantizers:
            return x
        q = quantizers[index]
        if q.overflow == "NONE":
            raise UnsupportedLayer(
                f"{self.where}: its {place} quantizer is marked as one of weights (is_weight), "
                "which HGQ only rounds at inference, so data has no bounds. Use a data quantizer."
            )
        y = x.quantize(q.k, q.i, q.f, q.rounding, q.overflow, q.scaler)
        scale, offset = q.affine
        if scale != 1.0:
            y = y * scale
        return y if offset == 0.0 else y + offset

    def raw(self, name: str, default: float | None = None) -> np.ndarray:
        """An array in the layer's own float32, not quantized; `default` where it is absent."""
        if default is not None and not self.has(name):
            return np.array(default, _FLOAT32)
        return self.layer.arrays[name].astype(_FLOAT32)

    def has(self, name: str) -> bool:
        return name in self.layer.arrays

    def constant(self, place: str, values: np.ndarray) -> ExactArray:
        """Float weights through the quantizer at `place`, as exact numbers."""
        quantizers = self.layer.quantizers.get(place, ())
        return (
            quantized_constant(values, quantizers[0], self.where) if quantizers else exact(values)
        )

    def array(self, name: str) -> ExactArray:
        """A stored weight array through the quantizer of the same name."""
        return self.constant(name, self.layer.arrays[name])


def quantized_constant(values: np.ndarray, q: Quantizer, where: str) -> ExactArray:
    """What Keras computes with at inference, exactly."""
    if q.scaler != 1.0 or q.affine != (1.0, 0.0):
        raise UnsupportedLayer(
            f"{where}: a weight quantizer with scaler or affine is not supported. "
            "Scale the weights themselves."
        )
    mantissa = quantize_float32(values, q.k, q.i, q.f, q.rounding, q.overflow)
    return ExactArray(mantissa, np.broadcast_to(-q.f, mantissa.shape).astype(np.int64))
