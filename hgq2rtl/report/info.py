"""What `hgq2rtl info` says of a model without compiling it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..frontends.graph import AnyQuantizer, Call, LayerGraph, MinifloatQuantizer, Quantizer
from ..lowering.ebops import ebops, stored_ebops
from ..lowering.layer import quantized_constant


def info_report(graph: LayerGraph) -> dict[str, Any]:
    """Layers, formats, EBOPs and pruned shares: a plain dict."""
    layers = [
        _layer_info(graph, call, count)
        for call, count in zip(graph.calls, ebops(graph), strict=True)
    ]
    weights = sum(layer["weights"] for layer in layers)
    kept = sum(layer["weights_kept"] for layer in layers)
    return {
        "model": graph.source,
        "origin": graph.origin,
        "inputs": [_tensor(graph, port) for port in graph.inputs],
        "outputs": [_tensor(graph, port) for port in graph.outputs],
        "layers": layers,
        "ebops": round(sum(layer["ebops"] for layer in layers), 3),
        "stored_ebops": stored_ebops(graph),
        "weights": weights,
        "weights_kept": kept,
        "pruned_share": round(1 - kept / weights, 6) if weights else 0.0,
    }


def _tensor(graph: LayerGraph, port: Any) -> dict[str, Any]:
    return {"name": port.name, "shape": list(graph.shapes[port.tensor])}


def _layer_info(graph: LayerGraph, call: Call, count: float) -> dict[str, Any]:
    layer = call.layer
    weights, kept = _weights(call)
    return {
        "name": layer.name,
        "class": layer.class_name,
        "shape": list(graph.shapes[call.outputs[0]]),
        "activation": layer.config.get("activation", "linear"),
        "ebops": round(count, 3),
        "weights": weights,
        "weights_kept": kept,
        "formats": {
            place: [_format_info(q, _shape_at(graph, call, place, n)) for n, q in enumerate(many)]
            for place, many in layer.quantizers.items()
        },
    }


def _weights(call: Call) -> tuple[int, int]:
    """Kernel weights, and those that are not zero once quantized."""
    kernel = call.layer.arrays.get("kernel")
    if kernel is None:
        return 0, 0
    quantizers = call.layer.quantizers.get("kernel", ())
    if not quantizers:
        return kernel.size, int(np.count_nonzero(kernel))
    is_plain = quantizers[0].scaler == 1.0 and quantizers[0].affine == (1.0, 0.0)
    if not is_plain or call.layer.class_name == "QEinsumDenseBatchnorm":
        q = quantizers[0]  # the folded kernel is known only to lowering: count its widths
        kept = q.i + q.f > 0 if isinstance(q, Quantizer) else np.array(True)
        return kernel.size, int(np.count_nonzero(np.broadcast_to(kept, kernel.shape)))
    exact = quantized_constant(kernel, quantizers[0], call.layer.name, call.layer.float_type)
    return kernel.size, int(np.count_nonzero(exact.mantissa))


def _shape_at(graph: LayerGraph, call: Call, place: str, index: int) -> Sequence[int]:
    if place == "input":
        return graph.shapes[call.inputs[index]]
    if place == "output":
        return graph.shapes[call.outputs[0]]
    return call.layer.quantizers[place][index].shape


def _format_info(q: AnyQuantizer, shape: Sequence[int]) -> dict[str, Any]:
    if isinstance(q, MinifloatQuantizer):
        return _minifloat_info(q, shape)
    k, i, f = (_spread(each, shape) for each in (q.k, q.i, q.f))
    bits = np.maximum(k + i + f, 0)
    return {
        "rounding": q.rounding,
        "overflow": q.overflow,
        "elements": int(bits.size),
        "zero": int(np.count_nonzero(bits == 0)),
        "bits": _range(bits[bits > 0]),
        "i": _range(i[bits > 0]),
        "f": _range(f[bits > 0]),
    }


def _minifloat_info(q: MinifloatQuantizer, shape: Sequence[int]) -> dict[str, Any]:
    m, e, e0 = (_spread(each, shape) for each in (q.m, q.e, q.e0))
    return {
        "rounding": "RND_CONV",
        "overflow": "SAT_SYM",
        "elements": int(m.size),
        "zero": 0,
        "bits": _range(m + e + 1),
        "m": _range(m),
        "e": _range(e),
        "e0": _range(e0),
    }


def _spread(widths: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    return np.broadcast_to(widths, np.broadcast_shapes(widths.shape, tuple(shape)))


def _range(values: np.ndarray) -> list[int] | None:
    return [int(values.min()), int(values.max())] if values.size else None
