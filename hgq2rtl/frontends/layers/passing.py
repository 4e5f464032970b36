"""Layers that matter in training only; at inference what comes in goes out."""

from __future__ import annotations

from ..schema import Plan, Site, reads


@reads(
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    package="keras",
)
def identity(site: Site) -> Plan:
    """``x``."""
    site.options.raw("data_format", None)
    return Plan(output=site.shape)
