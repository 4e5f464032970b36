"""Masking: steps of a sequence that hold one certain number are cleared.

``config`` of the record: mask_value. The mask that it makes for the layers behind it is in
the file as operations of their own.
"""

from __future__ import annotations

from ..schema import Plan, Site, reads


@reads("Masking", package="keras")
def masking(site: Site) -> Plan:
    """``x`` where any feature differs from mask_value, else 0."""
    if not site.shape:
        site.options.bad("the input has no axis besides the batch")
    return Plan(
        output=site.shape,
        config={"mask_value": site.options.number("mask_value", default=0.0)},
    )
