"""Layers that walk along a sequence: QSimpleRNN, QGRU, and Keras' RNN around any cell.

Their cell is the part ``cell``. ``config`` of the record: return_sequences, return_state,
go_backwards, and what decides about the output of a masked step: unroll, zero_output_for_mask.

The call's ``operands`` are the sequence and, where the call gives them, the first states:
inputs or constants. Its ``mask`` is an input or a constant, too; None where all steps count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..hdf5 import Variable
from ..masks import mask_argument
from ..nested import nested_part
from ..schema import Operand, Part, Plan, Shape, Site, ebops_variables, reads
from ..topology import Tensor
from ..untrusted import value_shown

_SHARED = "units use_bias dropout recurrent_dropout seed activation".split()
_QUANTIZED = "enable_iq enable_oq iq_conf sq_conf kq_conf rkq_conf bq_conf oq_conf paq_conf".split()


@reads("QSimpleRNN")
def simple_rnn(site: Site) -> Plan:
    """A QSimpleRNNCell. Files of hgq2 0.2.0 lack ``enable_sq``: then it has no state quantizer."""
    cell = own_cell(
        site, "QSimpleRNNCell", [*_SHARED, *_QUANTIZED, "enable_sq"], {"enable_sq": False}
    )
    return recurrence(site, cell, ebops_variables(site))


@reads("QGRU")
def gru(site: Site) -> Plan:
    """A QGRUCell."""
    gates = ["recurrent_activation", "reset_after", "praq_conf", "rhq_conf"]
    cell = own_cell(site, "QGRUCell", [*_SHARED, *_QUANTIZED, *gates])
    return recurrence(site, cell, ebops_variables(site))


@reads("RNN", package="keras")
def rnn(site: Site) -> Plan:
    """Any cell that is read, or a stack of them."""
    cell = site.options.raw("cell")
    return recurrence(site, nested_part(site, "cell", cell, [_step_shape(site)], "cell"))


@reads("SimpleRNN", package="keras")
def plain_simple_rnn(site: Site) -> Plan:
    """A SimpleRNNCell: exact, so that its numbers grow in every step."""
    return recurrence(site, own_cell(site, "SimpleRNNCell", _SHARED, package="keras"))


@reads("GRU", "GRUCell", "LSTM", "LSTMCell", package="keras")
@reads("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", package="keras")
def plain_gates(site: Site) -> Plan:
    """Refused: gates multiply the state with itself."""
    site.unsupported(
        "its gates multiply floating-point numbers with each other in every step, so an exact "
        "circuit would have to double its bits in each",
        "Use hgq2's QGRU, whose gates and state are quantized.",
    )


def own_cell(
    site: Site,
    class_name: str,
    names: Sequence[str],
    defaults: Mapping[str, Any] | None = None,
    package: str = "hgq",
) -> Part:
    """The cell of a layer that has the cell's options, `names`, among its own."""
    given = {name: site.options.raw(name) for name in names if site.options.has(name)}
    options = {**(defaults or {}), **given, "enable_ebops": False}
    return site.part(class_name, options, [_step_shape(site)], "cell", package)


def recurrence(site: Site, cell: Part, variables: tuple[Variable, ...] = ()) -> Plan:
    """A cell along a sequence; `variables` are the layer's own."""
    options = site.options
    if options.boolean("stateful", default=False):
        site.unsupported(
            "it keeps its state from one sample to the next, and the circuit computes each "
            "sample alone",
            "Build it with stateful=False, and make the state an input and an output of the model.",
        )
    steps, states = _sequence(site)[0], cell.plan.further_outputs
    returns_all = options.boolean("return_sequences", default=False)
    returns_state = options.boolean("return_state", default=False)
    return Plan(
        output=(steps, *cell.plan.output) if returns_all else cell.plan.output,
        further_outputs=states if returns_state else (),
        config={
            "return_sequences": returns_all,
            "return_state": returns_state,
            "go_backwards": options.boolean("go_backwards", default=False),
            "unroll": options.boolean("unroll", default=False),
            "zero_output_for_mask": options.boolean("zero_output_for_mask", default=False),
        },
        variables=variables,
        parts={"cell": cell},
        arguments={
            "operands": (0, *call_states(site, "initial_state", states)),
            "mask": sequence_mask(site, steps),
        },
    )


def _sequence(site: Site) -> Shape:
    shape = site.shapes[0]
    if len(shape) != 2:
        site.options.bad(
            f"its input has the shape {value_shown(shape)}; a sequence has steps and features"
        )
    return shape


def _step_shape(site: Site) -> Shape:
    return _sequence(site)[1:]


def sequence_mask(site: Site, steps: int) -> Operand | None:
    """Whether each step counts: an input or a constant; None if all do."""
    site.argument(3, "training")
    given = site.argument(2, "mask")
    if isinstance(given, list) and all(part is None for part in given):
        return None
    mask = mask_argument(site, 2, "mask", rank=2)
    if mask is not None and site.without_batch(mask) != (steps,):
        site.options.bad(
            f"its mask of shape {value_shown(site.without_batch(mask))} does not fit a sequence "
            f"of {steps} steps"
        )
    return mask


def call_states(site: Site, name: str, shapes: Sequence[Shape]) -> tuple[Operand, ...]:
    """The states that a call gives as its second argument: one for each of `shapes`, or none."""
    given = _flat(site.argument(1, name))
    if given and len(given) != len(shapes):
        site.options.bad(f"it is called with {len(given)} states and has {len(shapes)}")
    return tuple(_state(site, *pair) for pair in zip(given, shapes, strict=False))


def _flat(value: Any) -> list[Any]:
    """The states of a nested list."""
    if isinstance(value, list):
        return [item for part in value for item in _flat(part)]
    return [] if value is None else [value]


def _state(site: Site, value: Any, shape: Shape) -> Operand:
    """A first state: an input, or a constant that all samples share."""
    if isinstance(value, Tensor) and site.shapes[value.input] == shape:
        return value.input
    if isinstance(value, np.ndarray) and value.shape == (1, *shape):
        return np.asarray(value[0])
    site.unsupported(
        f"it is called with a state that is no tensor of shape {value_shown(shape)}, and no "
        f"constant of shape {value_shown((1, *shape))} that all samples share",
        "Give tensors of the model or NumPy arrays of that shape.",
    )
