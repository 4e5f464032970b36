"""Padding, cropping and up-sampling of spatial axes.

``config`` of the records, all without the batch axis:

ZeroPadding
    padding: zeros in front of and behind each axis.
Cropping
    key: a slice of each axis.
UpSampling
    data_format, factors (one for each spatial axis), interpolation: nearest or bilinear.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..grid import read_grid
from ..options import is_whole, plain_list
from ..schema import Plan, Site, reads


def zero_padding(site: Site, rank: int) -> Plan:
    """Zeros around the spatial axes."""
    grid = read_grid(site, rank)
    pairs = _pairs(site, "padding", rank)
    padded = [size + sum(pair) for size, pair in zip(grid.extents, pairs, strict=True)]
    around = [(0, 0)] * len(site.shape)
    for axis, pair in zip(grid.axes, pairs, strict=True):
        around[axis] = pair
    return Plan(output=grid.shape(padded, grid.channels), config={"padding": tuple(around)})


def cropping(site: Site, rank: int) -> Plan:
    """The middle of the spatial axes."""
    grid = read_grid(site, rank)
    pairs = _pairs(site, "cropping", rank)
    kept = [size - sum(pair) for size, pair in zip(grid.extents, pairs, strict=True)]
    if min(kept) < 1:
        site.options.bad(f"cropping {pairs} leaves nothing of an input of shape {site.shape}")
    key = [slice(None)] * len(site.shape)
    for axis, (before, _), size in zip(grid.axes, pairs, kept, strict=True):
        key[axis] = slice(before, before + size)
    return Plan(output=grid.shape(kept, grid.channels), config={"key": tuple(key)})


def up_sampling(site: Site, rank: int) -> Plan:
    """Each element repeated along the spatial axes, or bilinear interpolation between them."""
    grid = read_grid(site, rank)
    factors = site.options.wholes("size", at_least=1, default=2, length=rank)
    interpolation = site.options.text("interpolation", default="nearest")
    if interpolation not in ("nearest", "bilinear"):
        site.unsupported(
            f"interpolation {interpolation!r} has no exact hardware form here",
            "Use nearest or bilinear.",
        )
    inexact = [factor for factor in factors if factor & (factor - 1)]
    if interpolation == "bilinear" and inexact:
        site.unsupported(
            f"bilinear interpolation by {inexact[0]} weighs with fractions that have no finite "
            f"binary form",
            "Use factors that are powers of two, or nearest.",
        )
    return Plan(
        output=grid.shape(
            [size * factor for size, factor in zip(grid.extents, factors, strict=True)],
            grid.channels,
        ),
        config={
            "data_format": grid.data_format,
            "factors": factors,
            "interpolation": interpolation,
        },
    )


for _rank in (1, 2, 3):
    reads(f"ZeroPadding{_rank}D", package="keras")(partial(zero_padding, rank=_rank))
    reads(f"Cropping{_rank}D", package="keras")(partial(cropping, rank=_rank))
    reads(f"UpSampling{_rank}D", package="keras")(partial(up_sampling, rank=_rank))


def _pairs(site: Site, name: str, rank: int) -> tuple[tuple[int, int], ...]:
    """In front and behind, for each spatial axis: one number, or a list of numbers or pairs."""
    value = plain_list(site.options.raw(name))
    if rank == 1 and isinstance(value, list):
        value = [value]
    axes = value if isinstance(value, list) else [value] * rank
    pairs = [_pair(axis) for axis in axes]
    if len(pairs) != rank or None in pairs:
        site.options.wrong(name, "numbers of at least 0 in front of and behind each spatial axis")
    return tuple(pair for pair in pairs if pair)


def _pair(value: Any) -> tuple[int, int] | None:
    value = plain_list(value)
    value = [value, value] if is_whole(value) else value
    if isinstance(value, list) and len(value) == 2 and all(is_whole(n) and n >= 0 for n in value):
        return value[0], value[1]
    return None
