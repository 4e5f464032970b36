"""One layer with its options, its inputs, and what it means in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hgq2rtl.frontends import Layer, Quantizer

from ..graphs import quantizer

Shapes = tuple[tuple[int, ...], ...]
RNG = np.random.default_rng(7)


@dataclass(frozen=True)
class Case:
    """One layer, the shapes of its inputs, and its meaning on arrays (samples, *shape).

    Of a layer with several outputs the meaning gives a tuple.
    """

    meaning: Callable[..., Any]
    shapes: Shapes = ((4,),)
    config: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    quantizers: Mapping[str, tuple[Quantizer, ...]] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Layer] = field(default_factory=dict)
    outputs: int = 1
    is_whole: bool = False
    """Whether the inputs are whole numbers, as bitwise operations need them."""


def weights(*shape: int) -> np.ndarray:
    """Eighths, some of them zero."""
    values = RNG.integers(-12, 13, shape) / 8
    values[RNG.random(shape) < 0.15] = 0
    return values


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


COARSE = quantizer(f=1)
"""Halves: what it does to eighths shows."""
