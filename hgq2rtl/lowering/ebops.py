"""Effective bit operations of a fully unrolled layer, by HGQ's formulas.

Sun et al., "Gradient-based Automatic Mixed Precision Quantization for Neural
Networks On-Chip", arXiv 2405.00645: the sum over all products of the bit widths
of their two factors. Additions count as HGQ2 counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..frontends.graph import Call, LayerGraph, Quantizer

Shape = tuple[int, ...]
ADDITION = 0.65
"""HGQ2's price of one bit of an addition."""


def ebops(graph: LayerGraph) -> list[float]:
    """EBOPs of each call of `graph`; 0 where a layer multiplies nothing or has no widths."""
    return [_ebops_of(call, [graph.shapes[t] for t in call.inputs]) for call in graph.calls]


def stored_ebops(graph: LayerGraph) -> int:
    """What the file says: EBOPs as training last saw them.

    Ranges move on after that (they shrink a little in every step), so an
    untraced checkpoint differs by a few per cent from its own formats.
    """
    layers = {id(call.layer): call.layer for call in graph.calls}
    return sum(int(layer.config.get("stored_ebops") or 0) for layer in layers.values())


def _ebops_of(call: Call, shapes: Sequence[Shape]) -> float:
    formula = _FORMULAS.get(call.layer.class_name)
    if formula is None or not call.layer.quantizers.get("input"):
        return 0.0
    return float(formula(call, shapes))


def bits(q: Quantizer, shape: Shape) -> np.ndarray:
    """Bits that count: the sign only under SAT, as HGQ2 has it."""
    magnitude = np.maximum(q.i + q.f, 0) + (q.k if q.overflow == "SAT" else 0)
    return np.broadcast_to(magnitude, shape).astype(np.float64)


def _bits_at(call: Call, place: str, shape: Shape, index: int = 0) -> np.ndarray:
    quantizers = call.layer.quantizers.get(place, ())
    return bits(quantizers[index], shape) if quantizers else np.zeros(shape)


def _bias_bits(call: Call) -> float:
    bias = call.layer.arrays.get("bias", call.layer.arrays.get("beta"))
    if not call.layer.quantizers.get("bias"):
        return 0.0
    q = call.layer.quantizers["bias"][0]
    return float(bits(q, np.broadcast_shapes(q.f.shape, () if bias is None else bias.shape)).mean())


def _dense(call: Call, shapes: Sequence[Shape]) -> float:
    kernel = call.layer.arrays["kernel"].shape
    products = _bits_at(call, "input", shapes[0]) @ _bits_at(call, "kernel", kernel)
    return products.sum() + _bias_bits(call) * products.size


def _einsum(call: Call, shapes: Sequence[Shape]) -> float:
    operands, result = call.layer.config["equation"].split("->")
    data, kernel = operands.split(",")
    weights = call.layer.arrays["kernel"].shape
    x = _bits_at(call, "input", shapes[0])
    products = np.einsum(f"{data[1:]},{kernel}->{result[1:]}", x, _bits_at(call, "kernel", weights))
    return products.sum() + _bias_bits(call) * products.size


def _batch_normalization(call: Call, shapes: Sequence[Shape]) -> float:
    (shape,) = shapes
    along = [1] * len(shape)
    axis = call.layer.config["axis"]
    along[axis] = shape[axis]
    scale = _bits_at(call, "kernel", (shape[axis],)).reshape(along)
    products = _bits_at(call, "input", shape) * scale
    return products.sum() + _bias_bits(call) * products.size


def _add(call: Call, shapes: Sequence[Shape]) -> float:
    shape = np.broadcast_shapes(*shapes)
    each = np.stack(
        [np.broadcast_to(_bits_at(call, "input", s, n), shape) for n, s in enumerate(shapes)]
    )
    return ADDITION * (each.sum() - each.min(axis=0).sum())


_FORMULAS: dict[str, Callable[[Call, Sequence[Shape]], float]] = {
    "QDense": _dense,
    "QEinsumDense": _einsum,
    "QEinsumDenseBatchnorm": _einsum,
    "QBatchNormalization": _batch_normalization,
    "QAdd": _add,
}
