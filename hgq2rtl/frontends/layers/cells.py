"""Cells of recurrent layers: one step each. A cell is also a layer of its own.

``config`` of the records:

QSimpleRNNCell (also Keras' SimpleRNNCell)
    units, activation.
QGRUCell
    units, activation, recurrent_activation, reset_after.
StackedRNNCells
    nothing; its parts are ``cell_0``, ``cell_1``, ...

A cell that is a layer has ``operands`` of its call: its input and its states, which are
inputs or constants. Its outputs are the output and the new states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..activations import function_name
from ..hdf5 import Variable
from ..nested import class_of_nested, nested_part
from ..options import plain_list
from ..schema import Part, Plan, Shape, Site, Slot, ebops_variables, reads
from ..topology import Tensor, snake_case
from ..untrusted import value_shown
from .recurrent import call_states

_HARD_TANH = {"class_name": "HardTanhConfig", "config": {}}
_HARD_SIGMOID = {"class_name": "HardSigmoidConfig", "config": {}}


@reads("QSimpleRNNCell")
def simple_cell(site: Site) -> Plan:
    """``activation(paq(iq(x) @ kernel + bias + sq(h) @ recurrent_kernel))``."""
    units, variables, slots = _weights(site, gates=1, biases=1)
    has_state_quantizer = site.options.boolean("enable_sq", default=True)
    state = data_slot(site, "state", "sq", (units,))
    return _cell(
        site,
        config={"activation": function_name(site)},
        variables=variables,
        slots=(
            *slots,
            *((state,) if has_state_quantizer else ()),
            data_slot(site, "candidate", "paq", (units,), _HARD_TANH),
        ),
    )


@reads("SimpleRNNCell", package="keras")
def plain_simple_cell(site: Site) -> Plan:
    """``activation(x @ kernel + bias + h @ recurrent_kernel)``."""
    name = site.options.raw("activation", "tanh")
    if name not in ("linear", "relu", None):
        site.unsupported(
            f"activation {value_shown(name)} between the steps of a recurrence has no exact value",
            "Use hgq2's QSimpleRNN, whose state is quantized (by a hard tanh, if not told "
            "otherwise), or relu.",
        )
    _, variables, _ = _weights(site, gates=1, biases=1)
    site.options.raw("enable_ebops", None)
    plan = _cell(site, config={"activation": name or "linear"}, variables=variables)
    return replace(plan, class_name="QSimpleRNNCell")


@reads("QGRUCell")
def gru_cell(site: Site) -> Plan:
    """A gated recurrent unit; :mod:`hgq2rtl.lowering.layers.cells` says what it computes."""
    reset_after = site.options.boolean("reset_after", default=True)
    units, variables, slots = _weights(site, gates=3, biases=2 if reset_after else 1)
    return _cell(
        site,
        config={
            "activation": function_name(site),
            "recurrent_activation": function_name(site, "recurrent_activation"),
            "reset_after": reset_after,
        },
        variables=variables,
        slots=(
            *slots,
            data_slot(site, "state", "sq", (units,)),
            data_slot(site, "candidate", "paq", (units,), _HARD_TANH),
            data_slot(site, "gates", "praq", (2 * units,), _HARD_SIGMOID),
            data_slot(site, "reset_state", "rhq", (units,)),
        ),
    )


@reads("StackedRNNCells", package="keras")
def stacked_cells(site: Site) -> Plan:
    """Cells one behind the other."""
    cells = plain_list(site.options.raw("cells"))
    if not isinstance(cells, list) or not cells:
        site.options.wrong("cells", "a list of cells")
    parts: dict[str, Part] = {}
    used: Counter[str] = Counter()
    shape, states = site.shapes[0], list[Shape]()
    for number, cell in enumerate(cells):
        name = snake_case(class_of_nested(site, "cells", cell))
        folder = f"cells/{name}{f'_{used[name]}' if used[name] else ''}"
        used[name] += 1
        part = nested_part(site, "cells", cell, [shape], folder)
        parts[f"cell_{number}"] = part
        shape = part.plan.output
        states += part.plan.further_outputs
    return cell_plan(site, Plan(output=shape, further_outputs=tuple(states), parts=parts))


def cell_plan(site: Site, plan: Plan) -> Plan:
    """The plan of a cell; where it is a layer of the model, its call gives the states."""
    site.argument(2, "training")
    if not isinstance(site.argument(0, "inputs"), Tensor):
        return plan
    states = call_states(site, "states", plan.further_outputs)
    if not states:
        site.options.bad("a cell is called with its input and its states, and this call has none")
    return replace(plan, arguments={"operands": (0, *states)})


def data_slot(site: Site, place: str, name: str, shape: Shape, default: Any = None) -> Slot:
    """The quantizer ``{name}_conf`` of data; `default` where the option is null."""
    raw = site.options.raw(f"{name}_conf", None)
    raw = default if raw is None else raw
    return Slot(place, "datalane", raw, f"{name}_conf", f"{name}/quantizer", (1, *shape))


def features(site: Site) -> int:
    """How many numbers a cell takes in one step."""
    if len(site.shapes[0]) != 1:
        site.options.bad(
            f"its input has the shape {value_shown(site.shapes[0])}; a cell takes a vector"
        )
    return site.shapes[0][0]


def _weights(
    site: Site, gates: int, biases: int
) -> tuple[int, tuple[Variable, ...], tuple[Slot, ...]]:
    """Units, stored weights, and the quantizers of input and weights."""
    options = site.options
    units = options.whole("units", at_least=1)
    shapes = {
        "kernel": (features(site), gates * units),
        "recurrent_kernel": (units, gates * units),
        "bias": (biases, gates * units) if biases > 1 else (gates * units,),
    }
    slots = {
        "kernel": _weight_slot(site, "kernel", "weight", "kq", shapes["kernel"]),
        "recurrent_kernel": _weight_slot(
            site, "recurrent_kernel", "weight", "rkq", shapes["recurrent_kernel"]
        ),
        "bias": _weight_slot(site, "bias", "bias", "bq", shapes["bias"]),
    }
    if not options.boolean("use_bias", default=True):
        del shapes["bias"], slots["bias"]
    input_slot = data_slot(site, "input", "iq", site.shapes[0])
    is_input_quantized = options.boolean("enable_iq", default=True)
    return (
        units,
        tuple(Variable(name, shape) for name, shape in shapes.items()),
        (*((input_slot,) if is_input_quantized else ()), *slots.values()),
    )


def _weight_slot(site: Site, place: str, default: str, name: str, shape: Shape) -> Slot:
    raw = site.options.raw(f"{name}_conf", None)
    return Slot(place, default, raw, f"{name}_conf", f"{name}/quantizer", shape)


def _cell(
    site: Site,
    config: Mapping[str, Any],
    variables: tuple[Variable, ...],
    slots: tuple[Slot, ...] = (),
) -> Plan:
    """A cell with weights, and one state, which is its output too."""
    options = site.options
    for name in ("dropout", "recurrent_dropout", "standalone", "oq_conf"):
        options.raw(name, None)
    if options.boolean("enable_oq", default=False):
        site.unsupported(
            "its output quantizer is switched on, and hgq2 cannot build such a cell",
            "Build it without, and put a Quantizer behind it.",
        )
    units = options.whole("units", at_least=1)
    plan = Plan(
        output=(units,),
        further_outputs=((units,),),
        config={"units": units, **config},
        variables=(*variables, *ebops_variables(site)),
        slots=slots,
    )
    return cell_plan(site, plan)
