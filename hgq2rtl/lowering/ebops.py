"""Effective bit operations of a fully unrolled layer, by HGQ's formulas.

Sun et al., "Gradient-based Automatic Mixed Precision Quantization for Neural
Networks On-Chip", arXiv 2405.00645: the sum over all products of the bit widths
of their two factors. Additions count as HGQ2 counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..frontends.graph import Call, LayerGraph
from .ebops_attention import attention, function_table, softmax
from .ebops_bits import ADDITION, bits
from .ebops_recurrent import bidirectional, recurrence, single_step
from .ebops_tables import learned_tables
from .patches import gathered

Shape = tuple[int, ...]


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
    if formula is None or not (call.layer.quantizers.get("input") or call.layer.parts):
        return 0.0
    return float(formula(call, shapes))


def _bits_at(call: Call, place: str, shape: Shape, index: int = 0) -> np.ndarray:
    quantizers = call.layer.quantizers.get(place, ())
    return bits(quantizers[index], shape) if quantizers else np.zeros(shape)


def _bias_bits(call: Call) -> float:
    bias = call.layer.arrays.get("bias", call.layer.arrays.get("beta"))
    if not call.layer.quantizers.get("bias"):
        return 0.0
    q = call.layer.quantizers["bias"][0]
    return float(bits(q, np.broadcast_shapes(q.shape, () if bias is None else bias.shape)).mean())


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


def _inputs(call: Call, shapes: Sequence[Shape]) -> np.ndarray:
    """Bits of all inputs of a merge, spread to the shape of its output: (inputs, *shape)."""
    shape = np.broadcast_shapes(*shapes)
    return np.stack(
        [np.broadcast_to(_bits_at(call, "input", s, n), shape) for n, s in enumerate(shapes)]
    )


def _joined(price: float) -> Callable[[Call, Sequence[Shape]], float]:
    """All inputs into one, where the narrowest comes free."""

    def formula(call: Call, shapes: Sequence[Shape]) -> float:
        each = _inputs(call, shapes)
        return price * float(each.sum() - each.min(axis=0).sum())

    return formula


def _difference(call: Call, shapes: Sequence[Shape]) -> float:
    return float(_inputs(call, shapes).max(axis=0).sum())


def _products(call: Call, shapes: Sequence[Shape]) -> float:
    return float(_inputs(call, shapes).prod(axis=0).sum())


def _contraction(call: Call, shapes: Sequence[Shape]) -> float:
    operands = call.layer.config["equation"].split("->")[0]
    return float(
        np.einsum(
            f"{operands}->",
            *(_bits_at(call, "input", s, n) for n, s in enumerate(shapes)),
            optimize=True,
        )
    )


def _sum(call: Call, shapes: Sequence[Shape]) -> float:
    each = _bits_at(call, "input", shapes[0])
    return ADDITION * float(each.sum() - each.min(axis=tuple(call.layer.config["axes"])).sum())


def _convolution(call: Call, shapes: Sequence[Shape]) -> float:
    config, kernel = call.layer.config, call.layer.arrays["kernel"].shape
    groups, filters = config["groups"], kernel[-1]
    x = _bits_at(call, "input", shapes[0])
    if config["data_format"] == "channels_first":
        x = np.moveaxis(x, 0, -1)
    x = np.concatenate([np.zeros((config["causal"], *x.shape[1:])), x])
    seen = gathered(x, config["windows"], fill=0)
    seen = seen.reshape(-1, seen.shape[-2], groups, seen.shape[-1] // groups).sum(axis=0)
    weights = _bits_at(call, "kernel", kernel)
    weights = weights.reshape(seen.shape[0], -1, groups, filters // groups).sum(axis=-1)
    # HGQ2 counts a bias for each place of the input, whichever axis is last.
    biases = np.prod(shapes[0][:-1]) * filters
    return float(np.einsum("tgc,tcg->", seen, weights) + _bias_bits(call) * biases)


def _pooling(call: Call, shapes: Sequence[Shape]) -> float:
    return float(_bits_at(call, "input", shapes[0]).sum())


_SPATIAL = [f"{rank}D" for rank in (1, 2, 3)]


def _each_step(call: Call, shapes: Sequence[Shape]) -> float:
    """A layer on every step of a sequence."""
    steps, *shape = shapes[0]
    inside = Call(call.layer.parts["layer"], call.inputs, call.outputs)
    return steps * _ebops_of(inside, [tuple(shape)])


def _attention(call: Call, shapes: Sequence[Shape]) -> float:
    return attention(call, lambda part, shape: _ebops_of(Call(part, (), ()), [shape]))


_FORMULAS: dict[str, Callable[[Call, Sequence[Shape]], float]] = {
    "QDense": _dense,
    "QEinsumDense": _einsum,
    "QEinsumDenseBatchnorm": _einsum,
    "QBatchNormalization": _batch_normalization,
    "QAdd": _joined(ADDITION),
    "QAveragePow2": _joined(ADDITION),
    "QDot": _contraction,
    "QEinsum": _contraction,
    "QMaximum": _joined(1.0),
    "QMeanPow2": _sum,
    "QMinimum": _joined(1.0),
    "QMultiply": _products,
    "QSubtract": _difference,
    "QSum": _sum,
    "QSoftmax": softmax,
    **dict.fromkeys(("QUnaryFunctionLUT", "QAffinedUnaryFunctionLUT"), function_table),
    **{
        f"Q{kind}": _attention
        for kind in (
            *("MultiHeadAttention", "LinformerAttention", "SALTAttention"),
            *("MultiHeadAttentionT", "LinformerAttentionT"),
        )
    },
    **dict.fromkeys(("QDenseT", "QEinsumDenseT", "QConvT1D", "QConvT2D"), learned_tables),
    **dict.fromkeys(("QSimpleRNN", "QGRU", "QSimpleSNN", "QLIF", "RNN"), recurrence),
    **dict.fromkeys(("QSimpleRNNCell", "QGRUCell", "QSimpleSNNCell", "QLIFCell"), single_step),
    "Bidirectional": bidirectional,
    "TimeDistributed": _each_step,
    **{f"QConv{rank}": _convolution for rank in _SPATIAL},
    **{
        f"Q{kind}Pooling{rank}": _pooling
        for kind in ("Max", "Average", "GlobalMax", "GlobalAverage")
        for rank in _SPATIAL
    },
}
