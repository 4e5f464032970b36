"""Layers of several inputs: QAdd and Concatenate.

``config`` of a Concatenate record: axis (without batch).
"""

from __future__ import annotations

import numpy as np

from ..options import is_whole
from ..schema import Plan, Shape, Site, ebops_variables, input_slots, output_slots, reads
from ..untrusted import value_shown


@reads("QAdd")
def add(site: Site) -> Plan:
    """The sum of the inputs, broadcast against each other (aligned at the last axis)."""
    output = _broadcast(site)
    return Plan(
        output=output,
        variables=ebops_variables(site),
        slots=(*input_slots(site), *output_slots(site, output)),
    )


@reads("Concatenate", package="keras")
@reads("Concatenate", package="ops")
def concatenate(site: Site) -> Plan:
    """The inputs one behind the other along an axis."""
    rank = len(site.shapes[0]) + 1
    axis = site.options.raw("axis", -1)
    if not is_whole(axis) or not -rank < axis < rank or axis % rank == 0:
        site.options.wrong(
            "axis", f"an axis of the inputs behind the batch, {1 - rank} to {rank - 1}"
        )
    axis = axis % rank - 1
    first = site.shapes[0]
    if any(_without(shape, axis) != _without(first, axis) for shape in site.shapes):
        site.options.bad(
            f"inputs of shapes {value_shown(list(site.shapes))} do not fit on axis {axis}"
        )
    total = sum(shape[axis] for shape in site.shapes)
    return Plan(output=(*first[:axis], total, *first[axis + 1 :]), config={"axis": axis})


def _broadcast(site: Site) -> Shape:
    try:
        return np.broadcast_shapes(*site.shapes)
    except ValueError:
        site.options.bad(f"inputs of shapes {value_shown(list(site.shapes))} do not broadcast")


def _without(shape: Shape, axis: int) -> tuple[int, Shape]:
    """What must agree: the number of axes, and all extents but one."""
    return len(shape), (*shape[:axis], *shape[axis + 1 :])
