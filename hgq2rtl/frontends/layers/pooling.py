"""Poolings: greatest and average, quantized and plain, windowed and global.

``config`` of a windowed pooling's record: data_format, windows (one :class:`Window` for each
spatial axis). Of a global one's: axes (the pooled ones, without batch), keepdims.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import prod

from ..grid import fitted, positions, read_grid
from ..schema import Plan, Site, ebops_variables, input_slots, output_slots, reads


def pooling(site: Site, rank: int) -> Plan:
    """One number from each window over each channel."""
    grid, options = read_grid(site, rank), site.options
    sizes = options.wholes("pool_size", at_least=1, length=rank)
    strides = sizes
    if options.raw("strides", None) is not None:
        strides = options.wholes("strides", at_least=1, length=rank)
    padding = options.word("padding", ("valid", "same"), default="valid")
    windows = fitted(padding, grid.extents, sizes, strides, (1,) * rank)
    found = positions(site, grid, windows, prod(sizes) * grid.channels)
    return Plan(
        output=grid.shape(found, grid.channels),
        config={"data_format": grid.data_format, "windows": windows},
    )


def global_pooling(site: Site, rank: int) -> Plan:
    """One number from all of each channel."""
    grid = read_grid(site, rank)
    keepdims = site.options.boolean("keepdims", default=False)
    extents = (1,) * rank if keepdims else ()
    return Plan(
        output=grid.shape(extents, grid.channels),
        config={"axes": grid.axes, "keepdims": keepdims},
    )


def _quantized(site: Site, rank: int, plain: Callable[[Site, int], Plan]) -> Plan:
    """A pooling between quantizers."""
    plan = plain(site, rank)
    return replace(
        plan,
        variables=ebops_variables(site),
        slots=(*input_slots(site), *output_slots(site, plan.output)),
    )


for _rank in (1, 2, 3):
    for _kind in ("Max", "Average"):
        for _name, _schema in (
            (f"{_kind}Pooling", pooling),
            (f"Global{_kind}Pooling", global_pooling),
        ):
            reads(f"{_name}{_rank}D", package="keras")(partial(_schema, rank=_rank))
            reads(f"Q{_name}{_rank}D")(partial(_quantized, rank=_rank, plain=_schema))
