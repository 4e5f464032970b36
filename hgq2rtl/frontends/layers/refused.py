"""Classes without a hardware form yet: their options are checked, then they are refused.

Nonsense is told apart from what is only missing here: a stride of 0 is a bad file, a
convolution is an unsupported layer.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from ...errors import TooLarge, UnsupportedLayer
from ..graph import Layer
from ..limits import TABLE_INPUT_BITS, check_tensor
from ..schema import Plan, Site, checks, ebops_variables, input_slots

_PADDINGS = ("valid", "same", "causal")
_ORDERS = ("channels_last", "channels_first")
_TABLE_OPTIONS = (
    "activation",
    "allow_heterogeneous_input",
    "allow_heterogeneous_table",
    "override_oq_k0_to_0",
    "enable_oq",
    "oq_conf",
)


@checks("QConv1D", "QConv2D", "QConv3D")
@checks("Conv1D", "Conv2D", "Conv3D", package="keras")
def convolution(site: Site) -> Plan:
    """Checks sizes, strides, dilation and padding."""
    options = site.options
    rank = len(site.shape) - 1
    if rank < 1:
        options.bad("a convolution takes an input with spatial axes and channels")
    options.whole("filters", at_least=1)
    for name in ("kernel_size", "strides", "dilation_rate"):
        options.wholes(name, at_least=1, default=1, length=rank)
    options.whole("groups", at_least=1, default=1)
    options.word("padding", _PADDINGS, default="valid")
    options.word("data_format", _ORDERS, default="channels_last")
    _not_yet(site)


@checks("RepeatVector", package="keras")
def repeat_vector(site: Site) -> Plan:
    """Checks that the repeated vector has a sensible size."""
    count = site.options.whole("n", at_least=1)
    check_tensor((count, *site.shape), site.where)
    _not_yet(site)


@checks("QUnaryFunctionLUT")
def table(site: Site) -> Plan:
    """Checks the input width of the tables, which the stored formats tell."""
    for name in _TABLE_OPTIONS:
        site.options.raw(name, None)
    return Plan(
        output=site.shape,
        variables=ebops_variables(site),
        slots=input_slots(site),
        last_check=_check_table,
    )


def _check_table(layer: Layer, where: str) -> None:
    for quantizer in layer.quantizers.get("input", ()):
        widest = int(np.max(quantizer.k + quantizer.i + quantizer.f))
        if widest > TABLE_INPUT_BITS:
            raise TooLarge(
                f"{where}: a table over {widest} input bits has 2^{widest} entries; the limit is "
                f"{TABLE_INPUT_BITS} bits. Give its input quantizer fewer bits."
            )
    raise UnsupportedLayer(_text(where))


def _not_yet(site: Site) -> NoReturn:
    raise UnsupportedLayer(_text(site.where))


def _text(where: str) -> str:
    return f"{where}: this class has no hardware form here yet. Build the model without it for now."
