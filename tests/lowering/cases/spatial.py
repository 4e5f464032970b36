"""Convolutions, poolings, padding and up-sampling: each by its definition, place by place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hgq2rtl.frontends.windows import Window

from ...frontends.evaluate import quantized
from ..graphs import quantizer
from .case import COARSE, Case, relu, weights

Place = tuple[int, ...]


def looks(extents: Place, windows: Sequence[Window]) -> Iterator[tuple[Place, Place, Place]]:
    """Position, tap and element of all that windows see of a tensor; padding is left out."""
    counts = [w.positions(n) for w, n in zip(windows, extents, strict=True)]
    for position in np.ndindex(*counts):
        for tap in np.ndindex(*(w.size for w in windows)):
            at = [
                p * w.stride + t * w.dilation - w.before
                for p, t, w in zip(position, tap, windows, strict=True)
            ]
            if all(0 <= a < n for a, n in zip(at, extents, strict=True)):
                yield position, tap, tuple(at)


def convolve(x: np.ndarray, kernel: np.ndarray, windows: Sequence[Window], groups: int = 1) -> Any:
    """(samples, *extents, channels) to (samples, *positions, filters), one product at a time."""
    extents, channels, filters = x.shape[1:-1], x.shape[-1], kernel.shape[-1]
    shape = [w.positions(n) for w, n in zip(windows, extents, strict=True)]
    y = np.zeros((len(x), *shape, filters))
    for position, tap, at in looks(extents, windows):
        for f in range(filters):
            group = f // (filters // groups)
            for c in range(channels // groups):
                weight = kernel[(*tap, c, f)]
                y[(slice(None), *position, f)] += (
                    weight * x[(slice(None), *at, group * (channels // groups) + c)]
                )
    return y


def spread(x: np.ndarray, kernel: np.ndarray, strides: Place, first: Place, output: Place) -> Any:
    """A transposed convolution: each element adds its kernel to the output, from `first` on."""
    y = np.zeros((len(x), *output, kernel.shape[-2]))
    for at in np.ndindex(*x.shape[1:-1]):
        for tap in np.ndindex(*kernel.shape[:-2]):
            to = tuple(a * s + t - b for a, s, t, b in zip(at, strides, tap, first, strict=True))
            if all(0 <= n < size for n, size in zip(to, output, strict=True)):
                y[(slice(None), *to)] += x[(slice(None), *at)] @ kernel[tap].T
    return y


def ordered(x: np.ndarray, data_format: str) -> np.ndarray:
    """Channels last."""
    return np.moveaxis(x, 1, -1) if data_format == "channels_first" else x


def as_given(y: np.ndarray, data_format: str) -> np.ndarray:
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


# -- convolutions --------------------------------------------------------------


def convolution(
    shape: Place,
    kernel: np.ndarray,
    /,
    *windows: Window,
    groups: int = 1,
    data_format: str = "channels_last",
    activation: str = "linear",
    causal: int = 0,
    **quantizers: Any,
) -> Case:
    """``activation(conv(x, kernel) + bias)``, with quantizers by place."""
    bias = weights(kernel.shape[-1])

    def through(place: str, values: np.ndarray) -> np.ndarray:
        return quantized(values, quantizers[place]) if place in quantizers else values

    def meaning(x: np.ndarray) -> np.ndarray:
        axis = 2 if data_format == "channels_first" else 1
        if causal:
            zeros = np.zeros_like(x.take([0] * causal, axis))
            x = np.concatenate([zeros, x], axis)
        x = ordered(through("input", x), data_format)
        y = convolve(x, through("kernel", kernel), windows, groups) + through("bias", bias)
        return through("output", as_given(relu(y) if activation == "relu" else y, data_format))

    config = {
        "data_format": data_format,
        "windows": windows,
        "groups": groups,
        "causal": causal,
        "activation": activation,
    }
    places = {name: (q,) for name, q in quantizers.items()}
    return Case(meaning, (shape,), config, {"kernel": kernel, "bias": bias}, places)


PER_PLACE = quantizer(k=1, i=[[1, 0], [0, 2], [-1, 0], [0, 1], [2, 0]], f=1, overflow="SAT")
"""A format for each of five places and two channels; one has no bits."""
SHIFTED = quantizer(k=1, i=2, f=[[0, 1]], affine=(0.5, -0.25))
"""Gives zero another value; formats for two channels, shared along the sequence."""
ALL = {"input": COARSE, "kernel": quantizer(i=1, f=2, overflow="SAT_SYM"), "bias": COARSE}

CONV1D = [
    convolution((5, 2), weights(3, 2, 3), Window(3), input=PER_PLACE, activation="relu"),
    convolution((5, 2), weights(3, 2, 3), Window(3, stride=2, before=1, after=1), **ALL),
    convolution((6, 4), weights(2, 2, 4), Window(2, dilation=2), groups=2, **ALL),
    convolution((2, 5), weights(2, 2, 3), Window(2), data_format="channels_first", **ALL),
    convolution((5, 2), weights(3, 2, 2), Window(3), causal=2, input=SHIFTED, output=COARSE),
    convolution((2, 5), weights(2, 2, 1), Window(2), causal=1, data_format="channels_first", **ALL),
]
CONV2D = [
    convolution((3, 4, 2), weights(2, 2, 2, 3), Window(2), Window(2, before=1), **ALL),
    convolution(
        (3, 4, 4),
        weights(2, 1, 1, 6),
        Window(2, stride=2, after=1),
        Window(1),
        groups=3,
        data_format="channels_first",
        activation="relu",
        output=quantizer(i=3, f=[[[0], [1]], [[1], [0]], [[2], [2]]] * 2, overflow="SAT"),
        **ALL,
    ),
]
CONV3D = [
    convolution(
        (2, 3, 2, 2), weights(2, 2, 1, 2, 2), Window(2), Window(2, stride=2, after=1), Window(1)
    )
]


def depthwise(shape: Place, kernel: np.ndarray, *windows: Window, **config: Any) -> Case:
    """Each channel by itself."""
    channels, multiplier = kernel.shape[-2:]
    data_format = config.setdefault("data_format", "channels_last")
    bias = weights(channels * multiplier)

    def meaning(x: np.ndarray) -> np.ndarray:
        x = ordered(x, data_format)
        each = [
            convolve(x[..., c : c + 1], kernel[..., c : c + 1, :], windows) for c in range(channels)
        ]
        return as_given(relu(np.concatenate(each, -1) + bias), data_format)

    config |= {"windows": windows, "activation": "relu"}
    return Case(meaning, (shape,), config, {"kernel": kernel, "bias": bias})


def separable(shape: Place, kernel: np.ndarray, filters: int, *windows: Window) -> Case:
    """A depthwise convolution, then a matrix."""
    alone = depthwise(shape, kernel, *windows)
    count = kernel.shape[-2] * kernel.shape[-1]
    matrix, bias = weights(count, filters), weights(filters)

    def meaning(x: np.ndarray) -> np.ndarray:
        each = [
            convolve(x[..., c : c + 1], kernel[..., c : c + 1, :], windows)
            for c in range(kernel.shape[-2])
        ]
        return np.concatenate(each, -1) @ matrix + bias

    config = {**alone.config, "activation": "linear"}
    arrays = {
        "depthwise_kernel": kernel,
        "pointwise_kernel": matrix.reshape(*[1] * len(windows), count, filters),
        "bias": bias,
    }
    return Case(meaning, (shape,), config, arrays)


def transposed(
    shape: Place,
    kernel: np.ndarray,
    strides: Place,
    first: Place,
    output: Place,
    data_format: str = "channels_last",
) -> Case:
    """Output sizes, and what is cut off in front, say where the windows of the spread input stand.

    The first output sees an input that lies ``reach - 1 - first`` places behind its window's
    beginning.
    """
    extents = shape[1:] if data_format == "channels_first" else shape[:-1]
    windows = []
    for size, stride, cut, extent, wanted in zip(
        kernel.shape, strides, first, extents, output, strict=False
    ):
        before = size - 1 - cut
        after = wanted + size - 1 - before - ((extent - 1) * stride + 1)
        windows.append(Window(size, before=before, after=after, spacing=stride))
    config = {"data_format": data_format, "windows": tuple(windows), "activation": "linear"}

    def meaning(x: np.ndarray) -> np.ndarray:
        return as_given(
            spread(ordered(x, data_format), kernel, strides, first, output), data_format
        )

    return Case(meaning, (shape,), config, {"kernel": kernel})


# -- poolings ------------------------------------------------------------------


def pooling(
    kind: str, shape: Place, *windows: Window, data_format: str = "channels_last", **quantizers: Any
) -> Case:
    """The greatest or the average of what each window sees."""

    def meaning(x: np.ndarray) -> np.ndarray:
        x = ordered(quantized(x, quantizers.get("input", EXACT)), data_format)
        seen: dict[Place, list[np.ndarray]] = {}
        for position, _, at in looks(x.shape[1:-1], windows):
            seen.setdefault(position, []).append(x[(slice(None), *at)])
        shape = tuple(1 + max(at[n] for at in seen) for n in range(len(windows)))
        y = np.zeros((len(x), *shape, x.shape[-1]))
        for at, values in seen.items():
            y[(slice(None), *at)] = (np.max if kind == "max" else np.mean)(values, axis=0)
        y = as_given(y, data_format)
        return quantized(y, quantizers["output"]) if "output" in quantizers else y

    places = {name: (q,) for name, q in quantizers.items()}
    return Case(meaning, (shape,), {"data_format": data_format, "windows": windows}, {}, places)


def global_pooling(kind: str, shape: Place, axes: Place, keepdims: bool, **quantizers: Any) -> Case:
    """One number a channel."""

    def meaning(x: np.ndarray) -> np.ndarray:
        x = quantized(x, quantizers.get("input", EXACT))
        reduce = np.max if kind == "max" else np.mean
        y = reduce(x, axis=tuple(a + 1 for a in axes), keepdims=keepdims)
        return quantized(y, quantizers["output"]) if "output" in quantizers else y

    places = {name: (q,) for name, q in quantizers.items()}
    return Case(meaning, (shape,), {"axes": axes, "keepdims": keepdims}, {}, places)


EXACT = quantizer(k=1, i=9, f=9)
THIRDS = {"input": COARSE, "output": quantizer(i=3, f=3, rounding="RND_CONV")}
"""Enough fraction bits that a division by three shows, and none of its ties."""

FIRST = "channels_first"


def poolings(kind: str, rank: int) -> list[Case]:
    """Without and with padding, in both orders of axes; averages over powers of two and not."""
    last = THIRDS if kind == "average" else {"input": PER_PLACE, "output": COARSE}
    return {
        1: [
            pooling(kind, (5, 2), Window(2, stride=2)),
            pooling(kind, (5, 2), Window(3, stride=2, before=1, after=1), **last),
            pooling(kind, (2, 4), Window(3, before=1, after=1), data_format=FIRST, **THIRDS),
        ],
        2: [
            pooling(kind, (4, 3, 2), Window(2, stride=2), Window(2)),
            pooling(kind, (3, 3, 1), Window(2, stride=2, after=1), Window(3, stride=3), **THIRDS),
            pooling(kind, (2, 3, 4), Window(3, stride=3), Window(2), data_format=FIRST, **THIRDS),
        ],
        3: [pooling(kind, (2, 3, 3, 2), Window(2), Window(2, stride=2, after=1), Window(1))],
    }[rank]


def global_poolings(kind: str, rank: int) -> list[Case]:
    spatial = (3, 2, 2)[:rank]
    axes = tuple(range(rank))
    return [
        global_pooling(kind, (*spatial, 2), axes, False, **THIRDS),
        global_pooling(kind, (2, *(2, 4, 1)[:rank]), tuple(a + 1 for a in axes), True),
    ]


# -- padding, cropping, up-sampling --------------------------------------------


def zero_padding(shape: Place, *padding: tuple[int, int]) -> Case:
    around = ((0, 0), *padding)
    return Case(lambda x: np.pad(x, around), (shape,), {"padding": padding})


def cropping(shape: Place, *key: slice) -> Case:
    return Case(lambda x: x[(slice(None), *key)], (shape,), {"key": key})


def up_sampling(
    shape: Place, factors: Place, interpolation: str = "nearest", data_format: str = "channels_last"
) -> Case:
    """Each element stands for a cell; bilinear: straight lines between the middles of cells."""

    def meaning(x: np.ndarray) -> np.ndarray:
        x = ordered(x, data_format)
        for axis, factor in enumerate(factors, 1):
            extent = x.shape[axis]
            middles = (np.arange(extent * factor) + 0.5) / factor - 0.5
            if interpolation == "nearest":
                x = x.take(np.rint(middles).astype(int), axis)
                continue
            lines = [
                np.interp(middles, np.arange(extent), line)
                for line in np.moveaxis(x, axis, -1).reshape(-1, extent)
            ]
            moved = np.moveaxis(x, axis, -1).shape[:-1]
            x = np.moveaxis(np.reshape(lines, (*moved, extent * factor)), -1, axis)
        return as_given(x, data_format)

    config = {"data_format": data_format, "factors": factors, "interpolation": interpolation}
    return Case(meaning, (shape,), config)


CASES = {
    "Conv1D": [convolution((5, 2), weights(3, 2, 2), Window(3), causal=2), *CONV1D[:1]],
    "Conv2D": [convolution((3, 4, 2), weights(2, 3, 2, 2), Window(2), Window(3))],
    "Conv3D": CONV3D,
    "Conv1DTranspose": [
        transposed((4, 2), weights(3, 2, 2), (2,), (0,), (9,)),
        transposed((4, 2), weights(3, 2, 2), (2,), (0,), (8,)),
        transposed((4, 2), weights(3, 1, 2), (1,), (1,), (4,)),
        transposed((3, 2), weights(2, 1, 2), (3,), (0,), (9,)),
    ],
    "Conv2DTranspose": [
        transposed((3, 2, 2), weights(3, 2, 3, 2), (2, 1), (1, 0), (6, 3)),
        transposed((2, 2, 3), weights(2, 3, 1, 2), (2, 3), (0, 0), (4, 9), FIRST),
    ],
    "Conv3DTranspose": [
        transposed((2, 1, 2, 2), weights(2, 2, 1, 1, 2), (1, 2, 2), (0,) * 3, (3, 2, 4))
    ],
    "DepthwiseConv1D": [depthwise((5, 3), weights(2, 3, 2), Window(2, stride=2, after=1))],
    "DepthwiseConv2D": [
        depthwise((3, 3, 2), weights(2, 2, 2, 1), Window(2), Window(2, dilation=2, before=1)),
        depthwise((2, 3, 3), weights(2, 2, 2, 2), Window(2), Window(2), data_format=FIRST),
    ],
    "SeparableConv1D": [separable((5, 2), weights(3, 2, 2), 3, Window(3, before=1, after=1))],
    "SeparableConv2D": [separable((3, 3, 2), weights(2, 2, 2, 1), 2, Window(2), Window(2))],
    "QConv1D": CONV1D,
    "QConv2D": CONV2D,
    "QConv3D": CONV3D,
    **{
        f"{q}{place}{kind.title()}Pooling{rank}D": made(kind, rank)
        for q, kind, rank in itertools.product(("", "Q"), ("max", "average"), (1, 2, 3))
        for place, made in (("", poolings), ("Global", global_poolings))
    },
    "ZeroPadding1D": [zero_padding((3, 2), (1, 2), (0, 0))],
    "ZeroPadding2D": [zero_padding((2, 3, 2), (1, 0), (0, 2), (0, 0))],
    "ZeroPadding3D": [zero_padding((2, 2, 1, 3), (0, 0), (1, 0), (0, 1), (2, 1))],
    "Cropping1D": [cropping((5, 2), slice(1, 3), slice(None))],
    "Cropping2D": [cropping((4, 3, 2), slice(0, 2), slice(1, 3), slice(None))],
    "Cropping3D": [cropping((2, 3, 2, 3), slice(None), slice(1, 2), slice(0, 2), slice(2, 3))],
    "UpSampling1D": [up_sampling((3, 2), (3,))],
    "UpSampling2D": [
        up_sampling((2, 3, 2), (2, 3)),
        up_sampling((2, 3, 2), (4, 2), "bilinear"),
        up_sampling((2, 1, 3), (1, 8), "bilinear", FIRST),
    ],
    "UpSampling3D": [up_sampling((2, 2, 1, 2), (1, 2, 3), data_format=FIRST)],
}
"""Cases for each class."""
