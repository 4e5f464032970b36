"""Function tables: QUnaryFunctionLUT, QAffinedUnaryFunctionLUT.

``config`` of the records: activation, the name of a function. Both have an output quantizer,
which fills the table. A QAffinedUnaryFunctionLUT has the arrays scale and bias, of one number
each: its function is taken of ``scale * x + bias``.
"""

from __future__ import annotations

from dataclasses import replace

from ..activations import function_name
from ..hdf5 import Variable
from ..schema import Plan, Shape, Site, Slot, ebops_variables, input_slots, reads


@reads("QUnaryFunctionLUT")
def table(site: Site) -> Plan:
    """``function(x)``, quantized."""
    for unused in (
        "allow_heterogeneous_input",
        "allow_heterogeneous_table",
        "override_oq_k0_to_0",
    ):
        # They shape the quantizers' configurations, which the file holds.
        site.options.raw(unused, None)
    return Plan(
        output=site.shape,
        config={"activation": function_name(site)},
        variables=ebops_variables(site),
        slots=(*input_slots(site), *table_slots(site, site.shape)),
    )


@reads("QAffinedUnaryFunctionLUT")
def affine_table(site: Site) -> Plan:
    """``function(scale * x + bias)``, quantized."""
    plan = table(site)
    numbers = (Variable("scale", (1,)), Variable("bias", (1,)))
    return replace(plan, variables=(*numbers, *plan.variables))


def table_slots(site: Site, shape: Shape) -> tuple[Slot, ...]:
    """The output quantizer of a table; it has one if it is not told otherwise."""
    raw = site.options.raw("oq_conf", None)
    if not site.options.boolean("enable_oq", default=True):
        return ()
    return (Slot("output", "table", raw, "oq_conf", "oq/quantizer", (1, *shape)),)
