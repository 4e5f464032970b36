"""Random models of convolutions, poolings and padding, made with hgq2 and Keras."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")

ROUNDINGS = ("TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_INF", "RND_MIN_INF", "S_RND")
OVERFLOWS = ("WRAP", "SAT", "SAT_SYM")
PLAIN = ["Conv", "ConvTranspose", "DepthwiseConv", "SeparableConv"]
POOLINGS = ["MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling"]
MOVES = ["ZeroPadding", "Cropping", "UpSampling"]
KINDS = ["QConv", "QConv", "QConv", *(f"Q{name}" for name in POOLINGS), *PLAIN, *POOLINGS, *MOVES]


def is_safe(count: int) -> bool:
    """Whether an average over `count` is exact in Keras wherever it is a float32.

    XLA multiplies by the rounded reciprocal; for 7, 13, 14, 15, ... that misses some numbers
    by one unit in the last place, so a quantizer behind it may see no tie where there is one.
    """
    product = Fraction(float(np.float32(1) / np.float32(count))) * count
    return abs(product - 1) <= Fraction(1, 2**25)


def randomize(model: Any, dice: np.random.Generator) -> None:
    """Weights of few bits, so that float32 sums are exact; widths as training leaves them."""
    for weight in model.weights:
        name, shape = weight.path.split("/")[-1], weight.shape
        between = dice.choice([0, 0, 0.3, -0.4, 0.5], shape)
        match name:
            case "k":
                values = dice.integers(0, 2, shape)
            case "f" | "i":
                values = dice.integers(-1, 4, shape) + between
            case "b":
                values = np.where(dice.random(shape) < 0.3, 0, dice.integers(1, 6, shape))
            case "kernel" | "bias" | "depthwise_kernel" | "pointwise_kernel":
                values = dice.integers(-40, 41, shape) / 16 * (dice.random(shape) < 0.85)
            case _:
                continue
        weight.assign(values.astype(np.float32))


def stimulus(shape: tuple[int, ...], dice: np.random.Generator, samples: int = 200) -> np.ndarray:
    """Zero, ties, numbers in range and far out of it."""
    ones = (1,) * len(shape)
    x = dice.normal(size=(samples, *shape)) * dice.choice([0.5, 2, 8, 60], (samples, *ones))
    x[::3] = dice.integers(-64, 65, x[::3].shape) / 16
    x[0] = 0
    return (np.round(x * 256) / 256).astype(np.float32)


class Recipe:
    """Random choices for one model over `rank` spatial axes."""

    def __init__(self, dice: np.random.Generator):
        self.dice = dice
        self.rank = int(dice.integers(1, 4))
        self.data_format = str(dice.choice(["channels_last", "channels_last", "channels_first"]))

    def shape(self) -> tuple[int, ...]:
        """Of an input."""
        widest = {1: 9, 2: 6, 3: 4}[self.rank]
        extents = self.dice.integers(2, widest + 1, self.rank).tolist()
        channels = int(self.dice.integers(1, 5))
        if self.data_format == "channels_first":
            return (channels, *extents)
        return (*extents, channels)

    def some(self, low: int, high: int) -> Any:
        """One number for all axes, or one for each."""
        if self.dice.random() < 0.3:
            return int(self.dice.integers(low, high + 1))
        return tuple(self.dice.integers(low, high + 1, self.rank).tolist())

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.dice.integers(len(choices)))]

    def quantizer(self, place: str, rank: int = 0, shared_axis: int = 0) -> Any:
        """A configuration; for data of `rank` axes with widths shared along some of them."""
        from hgq.config import QuantizerConfig

        options = {
            "round_mode": str(self.dice.choice(ROUNDINGS)),
            "overflow_mode": str(self.dice.choice(OVERFLOWS)),
            "trainable": bool(self.dice.random() < 0.8),
        }
        if rank:
            axes = [n for n in range(1, rank + 1) if n != shared_axis and self.dice.random() < 0.5]
            same = tuple(n for n in range(rank + 1) if n not in axes)
            is_given_by_same = self.dice.random() < 0.5
            key = "homogeneous_axis" if is_given_by_same else "heterogeneous_axis"
            options[key] = same if is_given_by_same else tuple(axes)
            if self.dice.random() < 0.15:
                options["affine"] = (0.5, -1.25)
        return QuantizerConfig(self.pick("kif", "kbi"), place, **options)

    def quantized(self, rank: int, has_output: bool = True, shared_axis: int = 0) -> dict[str, Any]:
        """Options of every quantized layer."""
        options: dict[str, Any] = {
            "iq_conf": self.quantizer("datalane", self.rank + 1, shared_axis),
            "enable_ebops": not shared_axis and self.dice.random() < 0.8,
        }
        if has_output and self.dice.random() < 0.4:
            options |= {"enable_oq": True, "oq_conf": self.quantizer("datalane", rank)}
        return options

    def layers(self, kind: str, shape: tuple[int, ...]) -> list[Any]:
        """A layer of a kind for inputs of `shape`, and what must follow it."""
        import hgq.layers
        import keras

        name = f"Conv{self.rank}DTranspose" if kind == "ConvTranspose" else f"{kind}{self.rank}D"
        make = getattr(hgq.layers if kind.startswith("Q") else keras.layers, name)
        build = {
            "QConv": self._convolution,
            "Conv": self._convolution,
            "ConvTranspose": self._transposed,
            "DepthwiseConv": self._depthwise,
            "SeparableConv": self._depthwise,
            "ZeroPadding": self._padding,
            "Cropping": self._cropping,
            "UpSampling": self._up_sampling,
        }.get(kind, self._global_pooling if "Global" in kind else self._pooling)
        return build(make, kind, shape)

    def _after(self, rank: int) -> Any:
        from hgq.quantizer import Quantizer

        return Quantizer(self.quantizer("datalane", rank))

    def _extents(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[1:] if self.data_format == "channels_first" else shape[:-1]

    def _convolution(self, make: Callable[..., Any], kind: str, shape: tuple[int, ...]) -> Any:
        channels = shape[0] if self.data_format == "channels_first" else shape[-1]
        groups = self.pick(*(n for n in (1, 1, 2, 3, 4) if channels % n == 0))
        padding = self.pick("valid", "same", "same", *["causal"] * (self.rank == 1))
        options = {
            "padding": padding,
            "groups": groups,
            "activation": self.pick(None, "relu", "linear"),
            "use_bias": self.dice.random() < 0.8,
            "data_format": self.data_format,
            self.pick("strides", "dilation_rate"): self.some(1, 3),
        }
        if kind == "QConv":
            time = 2 if self.data_format == "channels_first" else 1
            shared = time if padding == "causal" else 0
            options |= self.quantized(self.rank + 1, shared_axis=shared)
            options |= {"kq_conf": self.quantizer("weight"), "bq_conf": self.quantizer("bias")}
        return [make(groups * int(self.dice.integers(1, 4)), self.some(1, 3), **options)]

    def _depthwise(self, make: Callable[..., Any], kind: str, shape: tuple[int, ...]) -> Any:
        options = {
            "padding": self.pick("valid", "same"),
            "depth_multiplier": int(self.dice.integers(1, 4)),
            "use_bias": self.dice.random() < 0.7,
            "activation": self.pick(None, "relu"),
            "data_format": self.data_format,
            "strides": int(self.dice.integers(1, 4)),
        }
        if kind == "SeparableConv":
            options["filters"] = int(self.dice.integers(1, 4))
        return [make(kernel_size=self.some(1, 3), **options)]

    def _transposed(self, make: Callable[..., Any], _: str, shape: tuple[int, ...]) -> Any:
        strides = self.dice.integers(1, 4, self.rank)
        options = {
            "padding": self.pick("valid", "same"),
            "use_bias": self.dice.random() < 0.7,
            "data_format": self.data_format,
        }
        if self.dice.random() < 0.3:
            options["dilation_rate"] = self.some(1, 2)
        else:
            options["strides"] = tuple(strides.tolist())
            if self.dice.random() < 0.4:
                options["output_padding"] = tuple(self.dice.integers(0, strides).tolist())
        return [make(int(self.dice.integers(1, 4)), self.some(1, 4), **options)]

    def _pooling(self, make: Callable[..., Any], kind: str, shape: tuple[int, ...]) -> Any:
        options: dict[str, Any] = {
            "padding": self.pick("valid", "same"),
            "strides": self.pick(None, self.some(1, 3)),
            "data_format": self.data_format,
        }
        if kind.startswith("Q"):
            options |= self.quantized(self.rank + 1)
        after = [self._after(self.rank + 1)] if "Average" in kind else []
        return [make(self.some(1, 2 if self.rank == 3 else 3), **options), *after]

    def _global_pooling(self, make: Callable[..., Any], kind: str, shape: tuple[int, ...]) -> Any:
        keepdims = bool(self.dice.random() < 0.5)
        options: dict[str, Any] = {"keepdims": keepdims, "data_format": self.data_format}
        if kind.startswith("Q"):
            options |= self.quantized(0, has_output=False)
        if "Average" in kind and not is_safe(math.prod(self._extents(shape))):
            return []
        return [make(**options), self._after(self.rank + 1 if keepdims else 1)]

    def _padding(self, make: Callable[..., Any], _: str, shape: tuple[int, ...]) -> Any:
        pairs = tuple(map(tuple, self.dice.integers(0, 3, (self.rank, 2)).tolist()))
        padding = self.pick(1, pairs[0] if self.rank == 1 else pairs)
        return [make(padding, data_format=self.data_format)]

    def _cropping(self, make: Callable[..., Any], _: str, shape: tuple[int, ...]) -> Any:
        pairs = [(int(n > 1), int(n > 2)) for n in self._extents(shape)]
        if self.rank == 1:
            return [make(pairs[0])] if self.data_format == "channels_last" else []
        return [make(tuple(pairs), data_format=self.data_format)]

    def _up_sampling(self, make: Callable[..., Any], _: str, shape: tuple[int, ...]) -> Any:
        if self.rank == 1:
            return [make(int(self.dice.integers(1, 4)))]
        if self.rank == 2 and self.dice.random() < 0.5:
            factors = (self.pick(1, 2, 4), self.pick(2, 8))
            return [make(factors, data_format=self.data_format, interpolation="bilinear")]
        return [make(self.some(1, 3), data_format=self.data_format)]
