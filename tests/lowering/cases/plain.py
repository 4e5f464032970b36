"""Plain Keras layers with exact float weights, and batch norms folded into dense layers."""

from __future__ import annotations

import numpy as np

from ...frontends.evaluate import quantized
from ..graphs import quantizer
from .case import COARSE, RNG, Case, relu, weights

FINE = quantizer(k=1, i=6, f=5)
KERNEL, BIAS, SLOPES = weights(4, 3), weights(3), weights(2, 3)

DENSE = [
    Case(lambda x: x @ KERNEL + BIAS, arrays={"kernel": KERNEL, "bias": BIAS}),
    Case(lambda x: relu(x @ KERNEL), ((2, 4),), {"activation": "relu"}, {"kernel": KERNEL}),
]
EINSUM = [
    Case(
        lambda x: np.einsum("abc,cd->adb", x, KERNEL) + BIAS[:, None],
        ((2, 4),),
        {"equation": "abc,cd->adb", "bias_axes": "d"},
        {"kernel": KERNEL, "bias": BIAS[:, None]},
    )
]


def leaky(slope: float, threshold: float = 0.0, maximum: float | None = None) -> Case:
    config = {"negative_slope": slope, "threshold": threshold, "max_value": maximum}

    def meaning(x):
        y = np.where(x > threshold, x, 0)
        y = y if maximum is None else np.clip(y, 0, maximum)
        return y - slope * np.maximum(threshold - x, 0)

    return Case(meaning, ((2, 3),), config)


RECTIFIERS = [
    Case(relu),
    leaky(0.25, threshold=-0.5),
    leaky(0.25),
    leaky(0.125, maximum=1.5),
    leaky(0.5, threshold=1.0),
    leaky(0.0, threshold=1.25, maximum=2.0),
    leaky(0.0, maximum=0.0),
    leaky(0.0, threshold=-1.0),
    leaky(0.5, threshold=-1.0, maximum=1.0),
]
PRELU = [
    Case(lambda x: np.where(x >= 0, x, x * SLOPES), ((2, 3),), arrays={"alpha": SLOPES}),
    Case(lambda x: np.where(x >= 0, x, x * SLOPES[:1]), ((2, 3),), arrays={"alpha": SLOPES[:1]}),
]


def batch_norm_dense(*names: str) -> Case:
    stored = {name: weights(4).astype(np.float32) for name in ("moving_mean", *names)}
    stored["moving_variance"] = RNG.integers(1, 40, 4).astype(np.float32) / 8
    kernel, bias = KERNEL.astype(np.float32), BIAS.astype(np.float32)

    def meaning(x):
        scale = stored.get("gamma", np.float32(1)) / np.sqrt(
            stored["moving_variance"] + np.float32(1e-3)
        )
        folded = quantized(kernel * scale[:, None], FINE)
        offset = quantized(bias - stored["moving_mean"] @ kernel, FINE)
        return quantized(x, COARSE) @ folded + offset

    places = {"input": (COARSE,), "kernel": (FINE,), "bias": (FINE,)}
    arrays = {"kernel": kernel, "bias": bias, **stored}
    return Case(meaning, config={"epsilon": 1e-3}, arrays=arrays, quantizers=places)


def batch_norm(axis: int, shape: tuple[int, ...], *names: str) -> Case:
    """Numbers whose folded constants are exact: variance + epsilon is a power of four."""
    count = shape[axis]
    stored = {name: weights(count).astype(np.float32) for name in ("moving_mean", *names)}
    stored["moving_variance"] = np.resize(np.array([3.75, 0.75, 15.75], np.float32), count)
    along = [1] * len(shape)
    along[axis] = count

    def meaning(x):
        inverse = stored.get("gamma", 1.0) / np.sqrt(stored["moving_variance"] + 0.25)
        offset = stored.get("beta", 0.0) - stored["moving_mean"] * inverse
        return x * inverse.reshape(along) + offset.reshape(along)

    return Case(meaning, (shape,), {"axis": axis, "epsilon": 0.25}, stored)


def normalized(invert: bool) -> Case:
    mean, variance = np.array([0.5, -1.25, 3.0]), np.array([0.25, 4.0, 16.0])
    config = {"axis": (1,), "invert": invert}
    if invert:
        return Case(
            lambda x: mean + x * np.sqrt(variance), ((2, 3),), config, _stats(mean, variance)
        )
    return Case(lambda x: (x - mean) / np.sqrt(variance), ((2, 3),), config, _stats(mean, variance))


def _stats(mean, variance):
    return {"mean": mean, "variance": variance}


EMBEDDINGS = weights(32, 3)

CASES = {
    "Dense": DENSE,
    "EinsumDense": EINSUM,
    "QBatchNormDense": [batch_norm_dense("gamma"), batch_norm_dense()],
    "BatchNormalization": [
        batch_norm(-1, (4,), "gamma", "beta"),
        batch_norm(0, (3, 2), "beta"),
        batch_norm(1, (2, 3), "gamma"),
    ],
    "ReLU": RECTIFIERS,
    "PReLU": PRELU,
    "Rescaling": [
        Case(lambda x: x * 0.25 - 1.5, ((2, 3),), {"scale": 0.25, "offset": -1.5}),
        Case(
            lambda x: x * [0.5, 2, 0] + [1, 0, -1],
            ((2, 3),),
            {"scale": [0.5, 2.0, 0.0], "offset": [1.0, 0.0, -1.0]},
        ),
    ],
    "Normalization": [
        normalized(False),
        normalized(True),
        Case(
            lambda x: (x - 0.5) / 2,
            ((4,),),
            {"axis": (), "invert": False, "mean": [0.5], "variance": [4.0]},
        ),
    ],
    "Embedding": [
        Case(
            lambda x: EMBEDDINGS[np.trunc(x).astype(int)],
            ((4,),),
            arrays={"embeddings": EMBEDDINGS},
        )
    ],
}
