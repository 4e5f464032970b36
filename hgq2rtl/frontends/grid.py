"""Tensors as spatial axes and channels, and windows that slide over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from . import limits
from .schema import Shape, Site
from .windows import Window, same, valid

_ORDERS = ("channels_last", "channels_first")


@dataclass(frozen=True)
class Grid:
    """A tensor of spatial axes and channels."""

    data_format: str
    """``channels_last`` or ``channels_first``."""
    extents: Shape
    channels: int

    @property
    def axes(self) -> tuple[int, ...]:
        """The spatial axes."""
        start = 1 if self.data_format == "channels_first" else 0
        return tuple(range(start, start + len(self.extents)))

    def shape(self, extents: Sequence[int], channels: int) -> Shape:
        """The shape of another tensor in the same order of axes."""
        if self.data_format == "channels_first":
            return (channels, *extents)
        return (*extents, channels)


def read_grid(site: Site, rank: int) -> Grid:
    """The input of a layer over `rank` spatial axes, by its option ``data_format``."""
    data_format = site.options.word("data_format", _ORDERS, default="channels_last")
    shape = site.shape
    if len(shape) != rank + 1:
        axes = "one spatial axis" if rank == 1 else f"{rank} spatial axes"
        site.options.bad(f"an input of shape {shape} is not {axes} and channels")
    if data_format == "channels_first":
        return Grid(data_format, shape[1:], shape[0])
    return Grid(data_format, shape[:-1], shape[-1])


def fitted(
    padding: str, extents: Shape, sizes: Shape, strides: Shape, dilations: Shape
) -> tuple[Window, ...]:
    """One window for each axis, with padding ``same`` or, for any other word, ``valid``."""
    given = zip(extents, sizes, strides, dilations, strict=True)
    if padding == "same":
        return tuple(same(*each) for each in given)
    return tuple(valid(*each[1:]) for each in given)


def positions(site: Site, grid: Grid, windows: Sequence[Window], products: int) -> Shape:
    """How often the windows fit on each axis.

    Parameters
    ----------
    products : int
        At each position, for the limit of what is built.

    Raises
    ------
    BadModelFile
        If a window is larger than what it slides over.
    TooLarge
        If no circuit holds the result.
    """
    pairs = list(zip(windows, grid.extents, strict=True))
    for window, extent in pairs:
        if window.positions(extent) < 1:
            site.options.bad(
                f"a window over {window.reach} places does not fit an axis of {extent}"
            )
    padded = [window.padded(extent) for window, extent in pairs]
    limits.check_tensor((*padded, grid.channels), site.where)
    found = tuple(window.positions(extent) for window, extent in pairs)
    limits.check_products(prod(found) * products, site.where)
    return found
