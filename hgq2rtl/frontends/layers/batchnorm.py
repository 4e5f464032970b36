"""Batch norms by themselves: ``x * scale + offset``, quantized or plain.

``config`` of the record: axis (without batch), epsilon, center, scale. Arrays: gamma and
beta where the options name them, moving_mean, moving_variance.
"""

from __future__ import annotations

from dataclasses import replace

from ..hdf5 import Variable
from ..options import is_whole
from ..schema import (
    Plan,
    Site,
    ebops_variables,
    input_slots,
    output_slots,
    reads,
    weight_slot,
)
from .dense import check_variance


@reads("QBatchNormalization")
def batch_normalization(site: Site) -> Plan:
    """The batch norm of one axis, with quantized scale and offset."""
    plan = plain_batch_normalization(site)
    size = (site.shape[plan.config["axis"]],)
    return replace(
        plan,
        variables=(*plan.variables, *ebops_variables(site)),
        slots=(
            *input_slots(site),
            weight_slot(site, "kernel", size),
            weight_slot(site, "bias", size),
            *output_slots(site, site.shape),
        ),
    )


@reads("BatchNormalization", package="keras")
def plain_batch_normalization(site: Site) -> Plan:
    """The batch norm of one axis, in floats."""
    axis = _axis(site)
    size = (site.shape[axis],)
    center = site.options.boolean("center", default=True)
    scale = site.options.boolean("scale", default=True)
    epsilon = site.options.number("epsilon", default=1e-3)
    if epsilon <= 0:
        site.options.wrong("epsilon", "above 0")
    site.options.raw("virtual_batch_size", None)
    return Plan(
        output=site.shape,
        config={"axis": axis, "epsilon": epsilon, "center": center, "scale": scale},
        variables=(
            *([Variable("gamma", size)] if scale else []),
            *([Variable("beta", size)] if center else []),
            Variable("moving_mean", size),
            Variable("moving_variance", size),
        ),
        last_check=check_variance,
    )


def _axis(site: Site) -> int:
    """The normalized axis, counted without the batch."""
    axis = site.options.raw("axis", -1)
    rank = len(site.shape) + 1
    if not is_whole(axis) or not -rank < axis < rank or axis % rank == 0:
        site.options.wrong(
            "axis", f"an axis of the input behind the batch, {1 - rank} to {rank - 1}"
        )
    return axis % rank - 1
