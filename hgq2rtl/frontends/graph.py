"""The layer graph: what every frontend yields, whatever it read.

Plain records. A graph is a list of *calls* in topological order; a call uses
one layer on some tensors and gives new ones. A layer that the model shares is
one record used by several calls. Tensors are numbers; shapes never include
the batch axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .untrusted import place

ROUNDINGS = ("TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_INF", "RND_MIN_INF")
OVERFLOWS = ("WRAP", "SAT", "SAT_SYM", "WRAP_SM", "NONE")


@dataclass(frozen=True, eq=False)
class Quantizer:
    """A fixed-point quantizer as inference sees it.

    ``k`` (sign bit), ``i`` (integer bits without sign) and ``f`` (fraction
    bits) are int64 arrays, already rounded as the framework reads them, and
    broadcast to the tensor without its batch axis. They are the *stored*
    values: an element with ``k + i + f <= 0`` is constantly zero, and where
    ``i + f < 0`` the framework computes with ``i = -f``.

    Overflow ``NONE`` only rounds: a trainable WRAP weight is not wrapped at
    inference, and no element of it is zero for its widths; ``k`` and ``i`` play
    no part (measured on hgq2 0.2.0).

    The value is ``affine[0] * (scaler * q(x / scaler)) + affine[1]``.
    """

    k: np.ndarray
    i: np.ndarray
    f: np.ndarray
    rounding: str
    overflow: str
    scaler: float = 1.0
    affine: tuple[float, float] = (1.0, 0.0)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the arrays of widths."""
        return self.k.shape


@dataclass(frozen=True, eq=False)
class MinifloatQuantizer:
    """A quantizer to floats of a few bits, as inference sees it; see ``fixed.Minifloat``.

    ``m`` (mantissa bits without the hidden one), ``e`` (exponent bits) and
    ``e0`` (the middle binade) are int64 arrays, already rounded as the framework
    reads them, and broadcast to the tensor without its batch axis.

    The value is ``affine[0] * (scaler * q(x / scaler)) + affine[1]``.
    """

    m: np.ndarray
    e: np.ndarray
    e0: np.ndarray
    scaler: float = 1.0
    affine: tuple[float, float] = (1.0, 0.0)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the arrays of widths."""
        return self.m.shape


AnyQuantizer = Quantizer | MinifloatQuantizer


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of the model: its options, numbers and quantizers."""

    name: str
    class_name: str
    """Without package prefix: ``QDense``, ``ReLU``, ``GetItem``."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The options that shape the arithmetic, checked, as plain values."""
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Finite float arrays as stored: ``kernel``, ``bias``, ``gamma``, ..."""
    quantizers: Mapping[str, tuple[AnyQuantizer, ...]] = field(default_factory=dict)
    """By place: ``input`` (one per input), ``kernel``, ``bias``, ``output``."""
    parts: Mapping[str, Layer] = field(default_factory=dict)
    """Layers inside this one, by role: the projections and the softmax of an attention."""
    float_type: str = "float32"
    """What the framework computes in: ``float32`` or ``float64``."""


@dataclass(frozen=True, eq=False)
class Call:
    """One use of a layer."""

    layer: Layer
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the call itself says beyond its tensors (the key of a slicing).

    ``operands``, where it is there, lists what an operation works on: the position of an
    input, or a constant array."""


@dataclass(frozen=True)
class Port:
    """An input or output of the model."""

    name: str
    tensor: int


@dataclass(frozen=True, eq=False)
class LayerGraph:
    """A whole model."""

    name: str
    source: str
    """The file, or the live object's class: for messages and reports."""
    origin: str
    """What wrote it, for people: ``HGQ2 archive (Keras 3.15.1)``."""
    inputs: Sequence[Port]
    calls: Sequence[Call]
    outputs: Sequence[Port]
    shapes: Sequence[tuple[int, ...]]
    """Shape of each tensor."""

    def where(self, layer: Layer) -> str:
        """``dense_3 (QDense) in jet.keras``: the beginning of a message."""
        return place(layer.name, layer.class_name, self.source)
