"""Embedding: a trained vector for each whole number.

``config`` of the record: input_dim, output_dim. Array: embeddings, (input_dim, output_dim).
"""

from __future__ import annotations

from ..hdf5 import Variable
from ..schema import Plan, Site, reads


@reads("Embedding", package="keras")
def embedding(site: Site) -> Plan:
    """Row ``x`` of the embeddings."""
    options = site.options
    rows = options.whole("input_dim", at_least=1)
    size = options.whole("output_dim", at_least=1)
    options.raw("input_length", None)
    if options.boolean("mask_zero", default=False):
        site.unsupported(
            "mask_zero hides elements from the layers behind, which a circuit always computes",
            "Build the layer with mask_zero=False.",
        )
    return Plan(
        output=(*site.shape, size),
        config={"input_dim": rows, "output_dim": size},
        variables=(Variable("embeddings", (rows, size)),),
    )
