"""Dense and einsum layers, batch norm, activations, and what moves elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from hgq2rtl.frontends import Quantizer

from ...frontends.evaluate import quantized
from ..graphs import quantizer
from .case import COARSE, RNG, Case, relu, weights

# -- linear layers -------------------------------------------------------------

KERNEL, BIAS = weights(4, 3), weights(3)
KERNELS = quantizer(
    k=1, i=RNG.integers(-2, 3, (4, 3)), f=RNG.integers(-1, 3, (4, 3)), overflow="SAT_SYM"
)
"""A format for each weight; some have no bits."""
INPUTS = quantizer(k=[1, 0, 1, 0], i=[1, 2, 0, 0], f=[2, 0, 1, 0], rounding="RND_CONV")
"""A format for each input; the last has no bits."""
OUTPUTS = quantizer(k=[1, 0, 1], i=[3, 3, -2], f=[0, 1, 1], overflow="SAT")
"""A format for each output; the last has no bits."""

DENSE = [
    Case(lambda x: x @ KERNEL, arrays={"kernel": KERNEL}),
    Case(lambda x: x @ KERNEL + BIAS, arrays={"kernel": KERNEL, "bias": BIAS}),
    Case(
        lambda x: relu(x @ KERNEL + BIAS),
        ((2, 4),),
        {"activation": "relu"},
        {"kernel": KERNEL, "bias": BIAS},
    ),
    Case(
        lambda x: quantized(
            relu(quantized(x, INPUTS) @ quantized(KERNEL, KERNELS) + quantized(BIAS, COARSE)),
            OUTPUTS,
        ),
        config={"activation": "relu"},
        arrays={"kernel": KERNEL, "bias": BIAS},
        quantizers={
            "input": (INPUTS,),
            "kernel": (KERNELS,),
            "bias": (COARSE,),
            "output": (OUTPUTS,),
        },
    ),
]


def einsum(equation: str, shape: tuple[int, ...], kernel: tuple[int, ...], **options: Any) -> Case:
    """``activation(einsum(equation, x, kernel) + bias)``."""
    values, bias = weights(*kernel), options.pop("bias", None)
    config = {"equation": equation, **options}

    def meaning(x: np.ndarray) -> np.ndarray:
        y = np.einsum(equation, quantized(x, COARSE), quantized(values, COARSE))
        y = y if bias is None else y + quantized(bias, COARSE)
        return relu(y) if options.get("activation") == "relu" else y

    places = ("input", "kernel") if bias is None else ("input", "kernel", "bias")
    arrays = {"kernel": values} if bias is None else {"kernel": values, "bias": bias}
    return Case(meaning, (shape,), config, arrays, dict.fromkeys(places, (COARSE,)))


EINSUM = [
    einsum("ab,bc->ac", (4,), (4, 3), bias=weights(3)),
    einsum("abc,cd->abd", (2, 4), (4, 3), bias=weights(3), activation="relu"),
    einsum("abc,cd->adb", (2, 4), (4, 3), bias=weights(3, 1)),
    einsum("abc,bcd->abd", (2, 4), (2, 4, 3), bias=weights(2, 3)),
    einsum("abc,bcd->ad", (2, 4), (2, 4, 3)),
    einsum("abc,bc->abc", (2, 4), (2, 4)),
]


def folded_einsum(
    equation: str, shape: tuple[int, ...], kernel: tuple[int, ...], axes: str
) -> Case:
    """Einsum whose batch normalization HGQ folds into kernel and bias, in float32."""
    values = weights(*kernel).astype(np.float32)
    output = equation.split("->")[1]
    labels = equation.split("->")[0].split(",")[1]
    size = dict(zip(labels, kernel, strict=True))
    bias_shape = [size[c] if c in axes else 1 for c in output[output.index(axes[0]) :]]
    count = [size[c] for c in axes]
    variance = RNG.integers(1, 40, count).astype(np.float32) / 8
    mean, gamma = (weights(*count).astype(np.float32) for _ in range(2))
    bias = weights(*bias_shape).astype(np.float32)

    def meaning(x: np.ndarray) -> np.ndarray:
        scale = gamma / np.sqrt(variance + np.float32(1e-7))
        folded = np.einsum(f"{labels},{axes}->{labels}", values, scale)
        offset = bias - (mean * scale).reshape(bias_shape)
        y = np.einsum(equation, quantized(x, COARSE), quantized(folded, FINE))
        return y + quantized(offset, FINE)

    arrays = {
        "kernel": values,
        "bias": bias,
        "gamma": gamma.reshape(bias_shape),
        "moving_mean": mean.reshape(bias_shape),
        "moving_variance": variance.reshape(bias_shape),
    }
    places = {"input": (COARSE,), "kernel": (FINE,), "bias": (FINE,)}
    return Case(meaning, (shape,), {"equation": equation, "bias_axes": axes}, arrays, places)


FINE = quantizer(k=1, i=6, f=5)
FOLDED = [
    folded_einsum("ab,bc->ac", (4,), (4, 3), "c"),
    folded_einsum("abc,cd->abd", (2, 4), (4, 3), "d"),
    folded_einsum("abc,cd->adb", (2, 4), (4, 3), "d"),
]


def batch_normalization(axis: int, shape: tuple[int, ...], *arrays: str, epsilon: float) -> Case:
    """``x * scale + offset`` along `axis`, in float32 before the quantizers."""
    count = shape[axis]
    stored = {name: weights(count).astype(np.float32) for name in ("gamma", "beta", "moving_mean")}
    stored["moving_variance"] = RNG.integers(1, 40, count).astype(np.float32) / 8
    stored = {name: stored[name] for name in ("moving_mean", "moving_variance", *arrays)}

    def meaning(x: np.ndarray) -> np.ndarray:
        deviation = np.sqrt(stored["moving_variance"] + np.float32(epsilon))
        scale = stored.get("gamma", np.float32(1)) / deviation
        offset = stored.get("beta", np.float32(1)) - stored["moving_mean"] * scale
        along = [1] * x.ndim
        along[axis if axis < 0 else axis + 1] = count
        y = quantized(x, COARSE) * quantized(scale, FINE).reshape(along)
        return quantized(y + quantized(offset, FINE).reshape(along), OUT)

    places = {"input": (COARSE,), "kernel": (FINE,), "bias": (FINE,), "output": (OUT,)}
    return Case(meaning, (shape,), {"axis": axis, "epsilon": epsilon}, stored, places)


OUT = quantizer(i=4, f=2, rounding="RND_CONV", overflow="SAT")
NORMALIZED = [
    batch_normalization(-1, (4,), "gamma", "beta", epsilon=1e-3),
    batch_normalization(0, (3, 2), "gamma", "beta", epsilon=0.5),
    batch_normalization(-1, (2, 3), "gamma", epsilon=1e-3),  # HGQ adds 1 where center is off
    batch_normalization(1, (2, 3), "beta", epsilon=1e-3),
]

# -- the others ------------------------------------------------------------------


def quantizing(*quantizers: Quantizer) -> list[Case]:
    return [Case(lambda x, q=q: quantized(x, q), quantizers={"input": (q,)}) for q in quantizers]


QUANTIZERS = quantizing(
    INPUTS,
    *(quantizer(i=0, f=1, rounding=r) for r in ("TRN", "RND", "RND_CONV", "TRN_ZERO")),
    *(quantizer(i=1, f=0, rounding=r) for r in ("RND_ZERO", "RND_INF", "RND_MIN_INF")),
    *(quantizer(k=k, i=1, f=1, overflow=o) for k in (0, 1) for o in ("WRAP", "SAT", "SAT_SYM")),
    *(quantizer(k=k, i=1, f=1, overflow="WRAP_SM") for k in (0, 1)),
    quantizer(f=-1),
    quantizer(i=0, f=1, scaler=2.0),
    quantizer(i=1, f=0, scaler=0.25, overflow="SAT"),
    quantizer(i=0, f=3, overflow="SAT", affine=(0.25, 0.5)),
    quantizer(i=0, f=3, scaler=4.0, affine=(1.0, -0.75)),
)
SUM = [
    Case(lambda x, y: x + y, ((4,), (4,))),
    Case(lambda x, y, z: x + y + z, ((2, 3), (2, 3), (2, 3))),
    Case(lambda x, y: x + y, ((2, 3), (1, 3))),
    Case(
        lambda x, y: relu(quantized(x, COARSE) + quantized(y, OUT)),
        ((4,), (4,)),
        {"activation": "relu"},
        quantizers={"input": (COARSE, OUT)},
    ),
]
NOTHING = [Case(lambda x: x), Case(lambda x: x, ((2, 3),))]
PERMUTED = [
    Case(lambda x: x.transpose(0, 2, 1), ((2, 3),), {"axes": (1, 0)}),
    Case(lambda x: x.transpose(0, 3, 1, 2), ((2, 3, 2),), {"axes": (2, 0, 1)}),
]

CASES: dict[str, list[Case]] = {
    "QDense": DENSE,
    "QEinsumDense": EINSUM,
    "QEinsumDenseBatchnorm": FOLDED,
    "QBatchNormalization": NORMALIZED,
    "Quantizer": QUANTIZERS,
    "Activation": [
        Case(relu, config={"activation": "relu"}),
        Case(lambda x: x, config={"activation": "linear"}),
    ],
    "QAdd": SUM,
    "Dropout": NOTHING,
    "GaussianNoise": NOTHING,
    "GaussianDropout": NOTHING,
    "AlphaDropout": NOTHING,
    "SpatialDropout1D": NOTHING,
    "SpatialDropout2D": NOTHING,
    "SpatialDropout3D": NOTHING,
    "ActivityRegularization": NOTHING,
    "Identity": NOTHING,
    "Flatten": [Case(lambda x: x.reshape(len(x), -1), ((2, 3),)), Case(lambda x: x)],
    "Reshape": [
        Case(lambda x: x.reshape(len(x), 3, 2), ((2, 3),), {"target_shape": (3, 2)}),
        Case(lambda x: x.reshape(len(x), 2, 2, 1), ((4,),), {"target_shape": (2, -1, 1)}),
    ],
    "Permute": PERMUTED,
    "Transpose": PERMUTED,
    "Concatenate": [
        Case(lambda x, y: np.concatenate([x, y], -1), ((2, 3), (2, 1)), {"axis": -1}),
        Case(lambda x, y: np.concatenate([x, y], 1), ((2, 3), (4, 3)), {"axis": 0}),
    ],
    "GetItem": [
        Case(lambda x: x[:, 1], ((3, 2),), arguments={"key": (1,)}),
        Case(
            lambda x: x[:, ::-2, 1:],
            ((4, 3),),
            arguments={"key": (slice(None, None, -2), slice(1, None))},
        ),
        Case(lambda x: x[..., -1], ((4, 3),), arguments={"key": (Ellipsis, -1)}),
    ],
}
"""Cases for each class."""
