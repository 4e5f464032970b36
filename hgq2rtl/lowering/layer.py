"""What a handler sees of its layer: options, exact constants, quantizers, parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedLayer
from ..fixed import FLOAT_TYPES, ExactArray, exact, minifloats, quantize_float
from ..frontends.graph import AnyQuantizer, Layer, MinifloatQuantizer, Quantizer
from .fixed_array import FixedArray
from .minifloat import quantize_minifloats

UserFunctions = Mapping[str, Callable[..., Any]]
"""``package>name`` to a function of float arrays, given by the user."""


class LoweringLayer:
    """One use of a layer, or of a part of one, during lowering."""

    def __init__(
        self,
        layer: Layer,
        where: str,
        arguments: Mapping[str, Any] | None = None,
        functions: UserFunctions | None = None,
    ):
        self.layer = layer
        self.config = layer.config
        self.arguments = arguments or {}
        self.where = where
        """``dense_3 (QDense) in jet.keras``: the beginning of a message."""
        self.functions = {} if functions is None else functions

    # -- parts and operands --------------------------------------------------

    def has_part(self, role: str) -> bool:
        return role in self.layer.parts

    def part(self, role: str) -> LoweringLayer:
        """A layer inside this one."""
        return LoweringLayer(self.layer.parts[role], self.where, functions=self.functions)

    def operands(self, inputs: Sequence[FixedArray]) -> list[FixedArray | np.ndarray]:
        """What an operation works on, in its own order: inputs and constant arrays."""
        given = self.arguments["operands"]
        return [inputs[o] if isinstance(o, int) else o for o in given]

    # -- quantizers ----------------------------------------------------------

    def has_quantizer(self, place: str) -> bool:
        return bool(self.layer.quantizers.get(place))

    def quantize(self, place: str, x: FixedArray, index: int = 0) -> FixedArray:
        """`x` through the layer's quantizer at `place`; unchanged where there is none."""
        quantizers = self.layer.quantizers.get(place, ())
        return quantized(x, quantizers[index], place, self.where) if quantizers else x

    # -- constants -----------------------------------------------------------

    @property
    def float_type(self) -> Any:
        """What the layer computes in."""
        return FLOAT_TYPES[self.layer.float_type]

    def raw(self, name: str, default: float | None = None) -> np.ndarray:
        """An array in the layer's own float type, not quantized; `default` where it is absent."""
        if default is not None and not self.has(name):
            return np.array(default, self.float_type)
        return self.layer.arrays[name].astype(self.float_type)

    def has(self, name: str) -> bool:
        return name in self.layer.arrays

    def constant(self, place: str, values: np.ndarray) -> ExactArray:
        """Float weights through the quantizer at `place`, as exact numbers."""
        quantizers = self.layer.quantizers.get(place, ())
        if not quantizers:
            return exact(values)
        return quantized_constant(values, quantizers[0], self.where, self.layer.float_type)

    def array(self, name: str) -> ExactArray:
        """A stored weight array through the quantizer of the same name."""
        return self.constant(name, self.raw(name))


def quantized(x: FixedArray, q: AnyQuantizer, place: str, where: str) -> FixedArray:
    """Data through a quantizer: ``affine[0] * (scaler * q(x / scaler)) + affine[1]``."""
    if isinstance(q, MinifloatQuantizer):
        y = quantize_minifloats(x, q, where)
    else:
        y = _fixed_point(x, q, place, where)
    scale, offset = q.affine
    if scale != 1.0:
        y = y * scale
    return y if offset == 0.0 else y + offset


def _fixed_point(x: FixedArray, q: Quantizer, place: str, where: str) -> FixedArray:
    if q.overflow == "NONE":
        raise UnsupportedLayer(
            f"{where}: its {place} quantizer is marked as one of weights (is_weight), "
            "which HGQ only rounds at inference, so data has no bounds. Use a data quantizer."
        )
    return x.quantize(q.k, q.i, q.f, q.rounding, q.overflow, q.scaler)


def quantized_constant(
    values: np.ndarray, q: AnyQuantizer, where: str, float_type: str
) -> ExactArray:
    """What Keras computes with at inference, exactly."""
    kind: Any = FLOAT_TYPES[float_type]
    scaled = values.astype(kind) / kind(q.scaler)
    if isinstance(q, MinifloatQuantizer):
        found = minifloats(exact(scaled), q.m, q.e, q.e0)
    else:
        mantissa = quantize_float(scaled, q.k, q.i, q.f, q.rounding, q.overflow, float_type)
        found = ExactArray(mantissa, np.broadcast_to(-q.f, mantissa.shape).astype(np.int64))
    if q.scaler == 1.0 and q.affine == (1.0, 0.0):
        return found
    factor, offset = map(kind, q.affine)
    return exact(found.to_float().astype(kind) * kind(q.scaler) * factor + offset)
