"""What sliding windows see: index maps, which cost nothing; and convolutions over them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..fixed import ExactArray
from ..frontends.windows import Window
from .fixed_array import FixedArray
from .products import einsum

Pairs = Sequence[tuple[int, int]]


def patches(x: FixedArray, windows: Sequence[Window]) -> FixedArray:
    """All that windows over the leading axes see, zero in the padding.

    Parameters
    ----------
    x : FixedArray (*extents, channels)
    windows : one for each axis but the last

    Returns
    -------
    FixedArray (*positions, taps, channels)
        The taps of all axes in one axis, those of the last axis fastest.
    """
    return x.moved(gathered(x.wires, windows, fill=_zero(x)))


def inner_patches(x: FixedArray, windows: Sequence[Window]) -> FixedArray:
    """As :func:`patches`, but in the padding stands an element that the window sees anyway.

    So the padding changes no maximum. Windows without dilation see some element wherever
    padding is `same`.
    """
    return x.moved(gathered(x.wires, windows, fill=None))


def patch_sizes(extents: Sequence[int], windows: Sequence[Window]) -> np.ndarray:
    """How many elements each window sees, padding not counted: (*positions, 1)."""
    return gathered(np.ones((*extents, 1), np.int64), windows, fill=0).sum(axis=-2)


def gathered(x: np.ndarray, windows: Sequence[Window], fill: int | None) -> np.ndarray:
    """What `patches` says, of any array: wires, or bit widths.

    Parameters
    ----------
    fill : number or None
        What stands in the padding; None for the nearest element of the axis.
    """
    for n, window in enumerate(windows):
        axis = 2 * n  # each axis before this one has become two: positions and taps
        at = _places(window, x.shape[axis])
        if fill is None:
            at = np.clip(at, 0, x.shape[axis] - 1)
        else:
            at = np.where((at < 0) | (at >= x.shape[axis]), x.shape[axis], at)
            edge = np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), fill, x.dtype)
            x = np.concatenate([x, edge], axis)  # its last place is the padding
        x = np.take(x, at, axis)
    count = len(windows)
    order = [*range(0, 2 * count, 2), *range(1, 2 * count, 2), 2 * count]
    arranged = x.transpose(order)
    return arranged.reshape(*arranged.shape[:count], -1, arranged.shape[-1])


def _places(window: Window, extent: int) -> np.ndarray:
    """Where each tap looks: int64 (positions, taps), outside the axis for padding."""
    starts = np.arange(window.positions(extent)) * window.stride - window.before
    spread = starts[:, None] + np.arange(window.size) * window.dilation
    found, between = np.divmod(spread, window.spacing)
    return np.where(between == 0, found, -1)


def convolved(
    x: FixedArray, kernel: ExactArray, windows: Sequence[Window], groups: int = 1
) -> FixedArray:
    """A convolution: the same linear block at every position.

    Parameters
    ----------
    x : FixedArray (*extents, channels)
    kernel : ExactArray (*taps, channels / groups, filters)
        Each group of channels makes its own run of filters.

    Returns
    -------
    FixedArray (*positions, filters)
    """
    seen = patches(x, windows)
    positions, (taps, channels), filters = seen.shape[:-2], seen.shape[-2:], kernel.shape[-1]
    rows = seen.reshape(math.prod(positions), taps, groups, channels // groups)
    matrices = kernel.reshape(taps, channels // groups, groups, filters // groups)
    return einsum("ptgc,tcgf->pgf", rows, matrices).reshape(*positions, filters)


def zero_padded(x: FixedArray, padding: Pairs) -> FixedArray:
    """`x` with zeros in front of and behind each axis."""
    return x.moved(np.pad(x.wires, padding, constant_values=_zero(x)))


def channels_last(x: FixedArray, data_format: str) -> FixedArray:
    """(channels, *extents) to (*extents, channels), if `data_format` is ``channels_first``."""
    return _moved(x, 0, -1) if data_format == "channels_first" else x


def as_given(x: FixedArray, data_format: str) -> FixedArray:
    """The way back from :func:`channels_last`."""
    return _moved(x, -1, 0) if data_format == "channels_first" else x


def _moved(x: FixedArray, source: int, destination: int) -> FixedArray:
    return x.moved(np.moveaxis(x.wires, source, destination))


def _zero(x: FixedArray) -> int:
    return x.tracer.constant(0, 0)
