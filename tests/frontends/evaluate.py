"""What a LayerGraph computes, straight from its records: the tests' oracle.

It is slow, in float64 behind float32 quantizers, and knows nothing of the
compiler: if it gives what Keras gave, the reader has read the file rightly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hgq2rtl.fixed import quantize_float
from hgq2rtl.frontends import Layer, LayerGraph, Quantizer


def evaluate(graph: LayerGraph, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs of a graph; the first axis of every array is the sample."""
    values: dict[int, np.ndarray] = {}
    for port, x in zip(graph.inputs, inputs, strict=True):
        values[port.tensor] = np.asarray(x, np.float64)
    for call in graph.calls:
        layer, xs = call.layer, [values[t] for t in call.inputs]
        for n, q in enumerate(layer.quantizers.get("input", ())):
            xs[n] = quantized(xs[n], q)
        y = MEANINGS[layer.class_name](layer, *xs, **call.arguments)
        for q in layer.quantizers.get("output", ()):
            y = quantized(y, q)
        values[call.outputs[0]] = y
        assert y.shape[1:] == graph.shapes[call.outputs[0]], graph.where(layer)
    return [values[port.tensor] for port in graph.outputs]


def quantized(x: np.ndarray, q: Quantizer) -> np.ndarray:
    """`x` on the quantizer's grid."""
    k, i = (1, 64) if q.overflow == "NONE" else (q.k, q.i)
    mantissa = quantize_float(x / q.scaler, k, i, q.f, q.rounding, q.overflow)
    value = mantissa * 2.0 ** -q.f.astype(np.float64) * q.scaler
    return value * q.affine[0] + q.affine[1]


def _weight(layer: Layer, name: str, values: np.ndarray | None = None) -> np.ndarray:
    values = layer.arrays[name] if values is None else values
    return quantized(values, layer.quantizers[name][0])


def _activated(layer: Layer, y: np.ndarray) -> np.ndarray:
    return np.maximum(y, 0) if layer.config["activation"] == "relu" else y


def _dense(layer: Layer, x: np.ndarray) -> np.ndarray:
    y = x @ _weight(layer, "kernel")
    return _activated(layer, y + _weight(layer, "bias") if layer.config["use_bias"] else y)


def _einsum_dense(layer: Layer, x: np.ndarray) -> np.ndarray:
    y = np.einsum(layer.config["equation"], x, _weight(layer, "kernel"))
    return _activated(layer, y + _weight(layer, "bias") if "bias" in layer.arrays else y)


def _norm_scale(layer: Layer) -> np.ndarray:
    deviation = np.sqrt(layer.arrays["moving_variance"] + np.float64(layer.config["epsilon"]))
    return layer.arrays.get("gamma", 1.0) / deviation


def _einsum_dense_batchnorm(layer: Layer, x: np.ndarray) -> np.ndarray:
    data, _, output = layer.config["equation"].partition("->")
    kernel, axes = data.split(",")[1], layer.config["normalize_axes"]
    scale, mean = _norm_scale(layer), layer.arrays["moving_mean"]
    folded = np.einsum(f"{kernel},{axes}->{kernel}", layer.arrays["kernel"], scale)
    bias = layer.arrays["bias"]
    offset = bias - (mean * scale).reshape(bias.shape)
    y = np.einsum(f"{data}->{output}", x, _weight(layer, "kernel", folded))
    return _activated(layer, y + _weight(layer, "bias", offset))


def _batch_normalization(layer: Layer, x: np.ndarray) -> np.ndarray:
    scale = _norm_scale(layer)
    offset = layer.arrays.get("beta", 1.0) - layer.arrays["moving_mean"] * scale
    shape = [1] * x.ndim
    shape[layer.config["axis"] + 1] = -1
    factor = _weight(layer, "kernel", scale).reshape(shape)
    return x * factor + _weight(layer, "bias", offset).reshape(shape)


def _unchanged(layer: Layer, x: np.ndarray) -> np.ndarray:
    return x


def _relu(layer: Layer, x: np.ndarray) -> np.ndarray:
    slope, top = layer.config["negative_slope"], layer.config["max_value"]
    y = np.where(x > layer.config["threshold"], x, 0)
    y = y if top is None else np.clip(y, 0, top)
    return y - slope * np.maximum(layer.config["threshold"] - x, 0)


MEANINGS: dict[str, Callable[..., np.ndarray]] = {
    "Activation": _activated,
    "Concatenate": lambda layer, *xs: np.concatenate(xs, layer.config["axis"] + 1),
    "Dropout": _unchanged,
    "Flatten": lambda _, x: x.reshape(len(x), -1),
    "GaussianNoise": _unchanged,
    "GetItem": lambda _, x, key: x[(slice(None), *key)],
    "Identity": _unchanged,
    "Permute": lambda layer, x: x.transpose(0, *(a + 1 for a in layer.config["axes"])),
    "QAdd": lambda _, *xs: _sum(xs),
    "QBatchNormalization": _batch_normalization,
    "QDense": _dense,
    "QEinsumDense": _einsum_dense,
    "QEinsumDenseBatchnorm": _einsum_dense_batchnorm,
    "Quantizer": _unchanged,
    "ReLU": _relu,
    "Reshape": lambda layer, x: x.reshape(len(x), *layer.config["target_shape"]),
}


def _sum(xs: Sequence[np.ndarray]) -> np.ndarray:
    """Broadcast behind the sample axis, aligned at the last."""
    rank = max(x.ndim for x in xs)
    return sum(x.reshape(len(x), *[1] * (rank - x.ndim), *x.shape[1:]) for x in xs)
