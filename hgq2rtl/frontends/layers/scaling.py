"""Layers that shift and scale their input by constants: Rescaling and Normalization.

``config`` of a Rescaling record: scale and offset, numbers or lists for the last axis. Of a
Normalization record: axis (kept axes, without batch), invert, and mean and variance where the
options give them; else they are arrays.
"""

from __future__ import annotations

from typing import Any

from ..hdf5 import Variable
from ..options import is_number, is_whole, plain_list
from ..schema import Plan, Shape, Site, reads


@reads("Rescaling", package="keras")
def rescaling(site: Site) -> Plan:
    """``x * scale + offset``."""
    config = {name: _numbers(site, name) for name in ("scale", "offset")}
    return Plan(output=site.shape, config=config)


@reads("Normalization", package="keras")
def normalization(site: Site) -> Plan:
    """``(x - mean) / sqrt(variance)`` along some axes, or the other way round."""
    axis = _kept_axes(site)
    invert = site.options.boolean("invert", default=False)
    shape = tuple(site.shape[n] for n in axis)
    given = {name: plain_list(site.options.raw(name, None)) for name in ("mean", "variance")}
    if (given["mean"] is None) != (given["variance"] is None):
        site.options.bad("mean and variance must be given both or neither")
    config: dict[str, Any] = {"axis": axis, "invert": invert}
    if given["mean"] is not None:
        config |= {name: _flat(site, name, value, shape) for name, value in given.items()}
        return Plan(output=site.shape, config=config)
    variables = (
        Variable("mean", shape),
        Variable("variance", shape),
        Variable("count", (), is_read=False),
    )
    return Plan(output=site.shape, config=config, variables=variables)


def _kept_axes(site: Site) -> tuple[int, ...]:
    rank = len(site.shape) + 1
    value = plain_list(site.options.raw("axis", -1))
    axes = [] if value is None else value if isinstance(value, list) else [value]
    if not all(is_whole(a) and -rank <= a < rank and a % rank for a in axes):
        site.options.wrong("axis", "null, or axes of the input behind the batch")
    return tuple(sorted({a % rank - 1 for a in axes}))


def _numbers(site: Site, name: str) -> float | list[float]:
    value = plain_list(site.options.raw(name))
    if is_number(value):
        return float(value)
    fits = isinstance(value, list) and len(value) in (1, *site.shape[-1:])
    if not fits or not all(map(is_number, value)):
        site.options.wrong(name, "a number, or a list of numbers for the last axis")
    return [float(n) for n in value]


def _flat(site: Site, name: str, value: Any, shape: Shape) -> list[float]:
    """Nested lists of numbers, flat: as many as the kept axes have places, or one for all."""
    pending, numbers = [value], []
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += reversed(item)
        else:
            numbers.append(item)
    count = 1
    for size in shape:
        count *= size
    if len(numbers) not in (1, count) or not all(map(is_number, numbers)):
        site.options.wrong(name, f"{count} numbers, or one for all")
    return [float(n) for n in numbers] * (count // len(numbers))
