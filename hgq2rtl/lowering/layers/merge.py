"""Several tensors into one: element by element, or summed products."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ...errors import UnsupportedLayer
from ..fixed_array import FixedArray
from ..handlers import finish, handles
from ..layer import LoweringLayer
from ..products import einsum

Operand = FixedArray | np.ndarray

_MERGES: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Multiply": np.multiply,
    "Subtract": np.subtract,
}
_OF_TRUTH_VALUES: dict[str, Callable[..., Any]] = {
    "Add": np.logical_or,
    "Maximum": np.logical_or,
    "Minimum": np.logical_and,
    "Multiply": np.logical_and,
}
"""What NumPy and Keras mean by arithmetic of truth values alone."""


@handles(*(f"Q{name}" for name in _MERGES), *_MERGES)
def lower_merge(layer: LoweringLayer, *inputs: FixedArray) -> FixedArray:
    """All inputs into one, element by element, broadcast (layers align the last axes).

    HGQ's layers have a quantizer for each input. The operations of Keras take constants too, and
    of truth values alone the sum is their "or", the product their "and".
    """
    name = layer.layer.class_name.removeprefix("Q")
    operands = _operands(layer, inputs)
    merge = _MERGES[name]
    if all(_is_truth(x) for x in operands):
        merge = _OF_TRUTH_VALUES.get(name, _no_difference(layer))
    merged: Any = reduce(merge, operands)
    return finish(layer, merged)


@handles("Average", "QAveragePow2")
def lower_average(layer: LoweringLayer, *inputs: FixedArray) -> FixedArray:
    """Sum of the inputs over their number: open until a quantizer follows, unless that is a power
    of two. QAveragePow2 divides by the power of two nearest in its logarithm.
    """
    total: FixedArray = reduce(operator.add, _operands(layer, inputs))
    count = len(inputs)
    if layer.layer.class_name == "Average":
        return finish(layer, total / count)
    return finish(layer, total * 2.0 ** round(math.log2(1 / count)))


@handles("Einsum", "Dot", "QEinsum", "QDot")
def lower_einsum(layer: LoweringLayer, *inputs: FixedArray) -> FixedArray:
    """Products of tensors and constants, summed: einsum, matmul, dot, inner, outer, tensordot.

    A product of two variables is a multiplier. Labels may repeat (a diagonal), and the result
    may leave any out.
    """
    operands = _operands(layer, inputs)
    if all(_is_truth(x) for x in operands):
        raise UnsupportedLayer(
            f"{layer.where}: a product of truth values has no numbers to add. Cast them to "
            "float32 first."
        )
    y = einsum(layer.config["equation"], *operands)
    is_dot = layer.layer.class_name in ("Dot", "QDot")
    return finish(layer, y.reshape(1) if is_dot and not y.shape else y)


def _operands(layer: LoweringLayer, inputs: tuple[FixedArray, ...]) -> list[Any]:
    """The inputs, quantized, with the constants that stand between them."""
    quantized = [layer.quantize("input", x, n) for n, x in enumerate(inputs)]
    return layer.operands(quantized) if "operands" in layer.arguments else list(quantized)


def _is_truth(x: Operand) -> bool:
    return x.is_bool if isinstance(x, FixedArray) else x.dtype.kind == "b"


def _no_difference(layer: LoweringLayer) -> Callable[..., Any]:
    def refuse(*_: Any) -> FixedArray:
        raise UnsupportedLayer(
            f"{layer.where}: truth values have no difference. Cast them to float32 first, or use "
            "logical_xor."
        )

    return refuse
