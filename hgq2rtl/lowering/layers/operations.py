"""Operations of Keras element by element: the NumPy function of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import UnsupportedLayer
from ..fixed_array import FixedArray
from ..handlers import handles
from ..layer import LoweringLayer

_INT32 = 2**31
_POWERS = 16
"""Beyond that, numbers of a few bits grow to hundreds."""


def _power(x: Any, power: Any) -> Any:
    """A small whole constant power is multiplied out; any other is a table."""
    if isinstance(power, FixedArray) or power.ndim or not 0 <= power <= _POWERS or power % 1:
        return np.power(x, power)
    return np.ones_like(x) if power == 0 else x ** int(power)


def _fmod(x: Any, y: Any) -> FixedArray:
    return x - np.trunc(x / y) * y


def _select(*given: Any) -> FixedArray:
    *pairs, default = given
    half = len(pairs) // 2
    return np.select(pairs[:half], pairs[half:], default)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Absolute": np.abs,
    "BitwiseAnd": np.bitwise_and,
    "BitwiseNot": np.invert,
    "BitwiseOr": np.bitwise_or,
    "BitwiseXor": np.bitwise_xor,
    "Ceil": np.ceil,
    "Divide": np.true_divide,
    "Equal": np.equal,
    "Floor": np.floor,
    "FloorDivide": np.floor_divide,
    "Fmod": _fmod,
    "FullLike": lambda x, value: x.lifted(value).broadcast_to(x.shape),
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "LeftShift": lambda x, bits: np.multiply(x, np.exp2(bits)),
    "Less": np.less,
    "LessEqual": np.less_equal,
    "LogicalAnd": np.logical_and,
    "LogicalNot": np.logical_not,
    "LogicalOr": np.logical_or,
    "LogicalXor": np.logical_xor,
    "Mod": np.mod,
    "Negative": np.negative,
    "NotEqual": np.not_equal,
    "OnesLike": lambda x: x.lifted(np.ones(x.shape, bool if x.is_bool else float)),
    "Power": _power,
    "Relu6": lambda x: np.minimum(x.relu(), 6),
    "RightShift": lambda x, bits: np.floor_divide(x, np.exp2(bits)),
    "Round": np.round,
    "Select": _select,
    "Sign": np.sign,
    "Square": np.square,
    "Trunc": np.trunc,
    "Where": np.where,
    "ZerosLike": lambda x: x.lifted(np.zeros(x.shape, bool if x.is_bool else float)),
}


@handles(*_FUNCTIONS)
def lower_elementwise(layer: LoweringLayer, *inputs: FixedArray) -> FixedArray:
    """The operation of Keras of that name, on tensors and constants. A quotient by anything but
    a power of two, and a power that is not whole, stay open until a quantizer follows. Integers
    are exact, and never overflow.
    """
    name, operands = layer.layer.class_name, layer.operands(inputs)
    try:
        made: FixedArray = _FUNCTIONS[name](*operands)
    except TypeError as problem:  # bits of numbers that are not whole
        raise UnsupportedLayer(f"{layer.where}: {problem}") from None
    return _fitting(layer, made) if name == "LeftShift" else made


@handles("Clip")
def lower_clip(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Between two numbers."""
    bounds = (layer.config["x_min"], layer.config["x_max"])
    return x.clip(*(None if bound is None else np.float32(bound) for bound in bounds))


@handles("LeakyRelu")
def lower_leaky_relu(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """``x``, or a slope times ``x`` where that is negative."""
    return (x < 0).where(x * np.float32(layer.config["negative_slope"]), x)


@handles("Cast")
def lower_cast(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """To truth values (not 0), to int32 (towards 0; refused where a number may not fit), or to
    float32, which changes nothing.
    """
    match layer.config["dtype"]:
        case "bool":
            return x.truth()
        case "int32":
            return _fitting(layer, FixedArray(x.tracer, x.rounded("TRN_ZERO").wires))
        case _:
            return FixedArray(x.tracer, x.wires)


def _fitting(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    builder = x.tracer.builder
    for wire in x.wires.reshape(-1).tolist():
        (lo, hi), exponent = builder.intervals[wire], builder.exponents[wire]
        if lo << exponent < -_INT32 or hi << exponent >= _INT32:
            raise UnsupportedLayer(
                f"{layer.where}: a number up to {max(-lo, hi) << exponent} does not fit int32. "
                "Quantize to fewer bits first."
            )
    return x


@handles("OneHot")
def lower_one_hot(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """1 at the place that an integer names, 0 elsewhere."""
    axis = layer.config["axis"]
    classes = np.arange(layer.config["num_classes"])
    shape = [1] * (x.ndim + 1)
    shape[axis] = len(classes)
    spread = x.reshape(*x.shape[:axis], 1, *x.shape[axis:])
    return FixedArray(x.tracer, (spread == classes.reshape(shape)).wires)
