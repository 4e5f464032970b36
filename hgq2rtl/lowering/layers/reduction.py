"""Many elements into one along axes, and what else goes along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..fixed_array import FixedArray
from ..handlers import finish, handles
from ..layer import LoweringLayer
from ..ordering import argmax, argmin, argsort, sort


def _median(x: FixedArray, axis: tuple[int, ...], keepdims: bool) -> FixedArray:
    kept = tuple(n for n in range(x.ndim) if n not in axis)
    rows = x.transpose(*kept, *axis).reshape(*(x.shape[n] for n in kept), -1)
    ordered = sort(rows)
    low, high = (ordered.shape[-1] - 1) // 2, ordered.shape[-1] // 2
    middle = ordered[..., low] if low == high else (ordered[..., low] + ordered[..., high]) / 2
    shape = tuple(1 if n in axis else size for n, size in enumerate(x.shape))
    return middle.reshape(shape) if keepdims else middle


def _variance(x: FixedArray, axis: tuple[int, ...], keepdims: bool) -> FixedArray:
    away = x - x.mean(axis, keepdims=True)
    return (away * away).mean(axis, keepdims)


def _place(function: Callable[..., FixedArray]) -> Callable[..., FixedArray]:
    """argmax or argmin, of one axis."""

    def call(x: FixedArray, axis: tuple[int, ...], keepdims: bool) -> FixedArray:
        places, shape = function(x, axis[0]), list(x.shape)
        shape[axis[0]] = 1
        return places.reshape(shape) if keepdims else places

    return call


_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "All": np.all,
    "Any": np.any,
    "Argmax": _place(argmax),
    "Argmin": _place(argmin),
    "CountNonzero": np.count_nonzero,
    "Max": np.max,
    "Mean": np.mean,
    "Median": _median,
    "Min": np.min,
    "Prod": np.prod,
    "Ptp": np.ptp,
    "Sum": np.sum,
    "Var": _variance,
}


@handles("QSum", "QMeanPow2")
def lower_sum(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The sum over some axes, times a power of two."""
    axes, keepdims = layer.config["axes"], layer.config["keepdims"]
    total = layer.quantize("input", x).sum(axes, keepdims)
    return finish(layer, total * layer.config["scale"])


@handles(*_REDUCTIONS)
def lower_reduction(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """The operation of Keras of that name, over axes behind the batch. A mean or variance over a
    number of elements that is no power of two stays open until a quantizer follows.
    """
    axis, keepdims = layer.config["axis"], layer.config["keepdims"]
    made: FixedArray = _REDUCTIONS[layer.layer.class_name](x, axis=axis, keepdims=keepdims)
    initial = layer.config.get("initial")
    if initial is None:
        return made
    is_max = layer.layer.class_name == "Max"
    return made.maximum(np.float32(initial)) if is_max else made.minimum(np.float32(initial))


@handles("Sort", "Argsort")
def lower_sort(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Rising along one axis, by a sorting network; of equal elements the first stays first."""
    function = sort if layer.layer.class_name == "Sort" else argsort
    return function(x, layer.config["axis"])


@handles("TopK")
def lower_top(layer: LoweringLayer, x: FixedArray) -> tuple[FixedArray, FixedArray]:
    """The greatest elements of the last axis, falling, and their places."""
    k = layer.config["k"]
    return sort(x)[..., ::-1][..., :k], argsort(-x)[..., :k]


@handles("Cumsum")
def lower_cumsum(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Running sums along one axis."""
    sums: Any = np.cumsum(x, axis=layer.config["axis"])
    return sums


@handles("Diff")
def lower_diff(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Differences of neighbours along one axis."""
    changes: Any = np.diff(x, n=layer.config["n"], axis=layer.config["axis"])
    return changes


@handles("Trace")
def lower_trace(layer: LoweringLayer, x: FixedArray) -> FixedArray:
    """Sum of a diagonal."""
    diagonal: Any = np.diagonal(x, **layer.config)
    return diagonal.sum(-1)
