"""QSoftmax: exponentials by a table, divided by their sum through another table.

``config`` of the record: axes (without batch), stable, input_scaler. Parts: exp_table, of one
number's exponential, and inv_table, of a sum's inverse, both with an output quantizer, and
with an input quantizer where the softmax is stable, respectively always. ``arguments``:
operands, the input and maybe a mask that broadcasts to it.
"""

from __future__ import annotations

import math
from typing import Any

from ..batch import axes_of
from ..masks import check_mask, mask_argument
from ..schema import Part, Plan, Shape, Site, ebops_variables, input_slots, output_slots, reads


@reads("QSoftmax")
def softmax(site: Site) -> Plan:
    """``exp(x)`` over its sum along axes."""
    shape = site.shapes[0]
    axes = axes_of(site, "axes", len(shape), -1)
    stable = site.options.boolean("stable", default=True)
    scaler = site.options.number("input_scaler", 1.0)
    if scaler == 0 or not math.isfinite(scaler):
        site.options.wrong("input_scaler", "a number other than 0")
    sums = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    site.options.raw("allow_heterogeneous_table", None)
    mask = mask_argument(site, 2, "mask", rank=len(shape) + 1)
    if mask is not None:
        check_mask(site, mask, "mask", shape)
    return Plan(
        output=shape,
        config={"axes": axes, "stable": stable, "input_scaler": scaler},
        variables=ebops_variables(site),
        slots=(*input_slots(Site(site.options, [shape])), *output_slots(site, shape)),
        parts={
            "exp_table": _table(site, "exp", shape, has_input_quantizer=stable),
            "inv_table": _table(site, "inv", sums, has_input_quantizer=True),
        },
        arguments={"operands": (0,) if mask is None else (0, mask)},
    )


def _table(site: Site, name: str, shape: Shape, has_input_quantizer: bool) -> Part:
    # A layer without input quantizers counts no EBOPs.
    counts = site.options.boolean("enable_ebops", default=True) and has_input_quantizer
    options: dict[str, Any] = {
        "activation": "linear",
        "enable_ebops": counts,
        "enable_iq": has_input_quantizer,
        "iq_conf": site.options.raw(f"{name}_iq_conf", None),
        "oq_conf": site.options.raw(f"{name}_oq_conf", None),
    }
    return site.part("QUnaryFunctionLUT", options, [shape], f"{name}_table")
