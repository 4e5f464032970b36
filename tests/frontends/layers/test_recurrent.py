"""Schemas of recurrent layers, of their cells, and of the wrappers around layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hgq2rtl.errors import BadModelFile, Hgq2rtlError, UnsupportedLayer
from hgq2rtl.frontends.options import Options
from hgq2rtl.frontends.schema import Plan, Site, schema_of
from hgq2rtl.frontends.topology import Tensor
from hgq2rtl.lowering import HANDLERS

from ..test_layers import families

MODULES = ("cells", "masking", "recurrent", "spiking", "wrappers")
NEVER = "ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU GRUCell LSTM LSTMCell".split()
"""Their gates multiply floating-point numbers."""
AGAIN = " Save the model again from Keras."
X = Tensor(0)
Shape = tuple[int, ...]

SIMPLE = {"units": 2, "use_bias": True, "activation": "linear"}
SPIKING = {"units": 3, "threshold": [1.0, 0.5, 2.0], "graded_spikes_factor": 1.0}
LIF = {**SPIKING, "beta": 0.5}


def described(name: str, config: dict[str, Any], package: str = "hgq", **more: Any) -> Any:
    """A layer within options, as Keras writes it."""
    module = "keras.layers" if package == "keras" else "hgq.layers"
    registered = None if package == "keras" else f"hgq>{name}"
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": registered,
        **more,
    }


def plan(
    package: str,
    name: str,
    options: dict[str, Any],
    shapes: list[Shape],
    arguments: Any = (X,),
    **keywords: Any,
) -> Plan:
    site = Site(Options(options, f"l ({name}) in f"), shapes, arguments, keywords)
    found = schema_of(package, name)(site)
    site.refuse_leftovers()
    return found


WALKS = "return_sequences return_state go_backwards unroll zero_output_for_mask"


def walk(**changed: Any) -> dict[str, Any]:
    return {**dict.fromkeys(WALKS.split(), False), **changed}


# -- what is read ----------------------------------------------------------------

# package, class, options, input shapes, output shapes, config, own variables
LAYERS = [
    ("hgq", "QSimpleRNN", SIMPLE, [(5, 4)], [(2,)], walk(), "ebops_beta ebops"),
    (
        "hgq",
        "QGRU",
        {**SIMPLE, "return_sequences": True, "return_state": True, "go_backwards": True},
        [(5, 4)],
        [(5, 2), (2,)],
        walk(return_sequences=True, return_state=True, go_backwards=True),
        "ebops_beta ebops",
    ),
    ("hgq", "QSimpleSNN", SPIKING, [(5, 3)], [(3,)], walk(), "ebops_beta ebops"),
    ("hgq", "QLIF", {**LIF, "unroll": True}, [(5, 3)], [(3,)], walk(unroll=True), None),
    (
        "keras",
        "RNN",
        {"cell": described("QGRUCell", SIMPLE), "zero_output_for_mask": True},
        [(5, 4)],
        [(2,)],
        walk(zero_output_for_mask=True),
        "",
    ),
    ("keras", "SimpleRNN", {**SIMPLE, "activation": "relu"}, [(5, 4)], [(2,)], walk(), ""),
    (
        "keras",
        "TimeDistributed",
        {"layer": described("QDense", {"units": 2})},
        [(5, 3, 4)],
        [(5, 3, 2)],
        {},
        "",
    ),
    (
        "keras",
        "Bidirectional",
        {
            "merge_mode": None,
            "layer": described("QLIF", {**LIF, "return_state": True}),
            "backward_layer": described(
                "QSimpleRNN", {**SIMPLE, "return_state": True, "go_backwards": True}
            ),
        },
        [(5, 3)],
        [(3,), (2,), (3,), (2,)],
        {"merge_mode": None, "return_sequences": False},
        "",
    ),
    ("keras", "Masking", {"mask_value": 1}, [(5, 4)], [(5, 4)], {"mask_value": 1.0}, ""),
]


@pytest.mark.parametrize(
    ("package", "name", "options", "shapes", "outputs", "config", "variables"), LAYERS
)
def test_layers(package, name, options, shapes, outputs, config, variables):
    """Catches an option that is lost, and an output or a variable that is forgotten."""
    found = plan(package, name, options, shapes)
    assert [found.output, *found.further_outputs] == outputs
    assert found.config == config
    if variables is not None:
        assert [variable.name for variable in found.variables] == variables.split()


# class, options, features, config, variables with shapes, places of quantizers
CELLS = [
    (
        "QSimpleRNNCell",
        {**SIMPLE, "activation": "relu", "enable_ebops": False},
        4,
        {"units": 2, "activation": "relu"},
        {"kernel": (4, 2), "recurrent_kernel": (2, 2), "bias": (2,)},
        "input kernel recurrent_kernel bias state candidate",
    ),
    (
        "QSimpleRNNCell",
        {**SIMPLE, "use_bias": False, "enable_sq": False, "enable_iq": False},
        4,
        {"units": 2, "activation": "linear"},
        {"kernel": (4, 2), "recurrent_kernel": (2, 2), "ebops_beta": (), "ebops": ()},
        "kernel recurrent_kernel candidate",
    ),
    (
        "QGRUCell",
        {**SIMPLE, "recurrent_activation": "tanh", "enable_ebops": False},
        4,
        {
            "units": 2,
            "activation": "linear",
            "recurrent_activation": "tanh",
            "reset_after": True,
        },
        {"kernel": (4, 6), "recurrent_kernel": (2, 6), "bias": (2, 6)},
        "input kernel recurrent_kernel bias state candidate gates reset_state",
    ),
    (
        "QGRUCell",
        {**SIMPLE, "reset_after": False, "enable_ebops": False},
        4,
        {
            "units": 2,
            "activation": "linear",
            "recurrent_activation": "linear",
            "reset_after": False,
        },
        {"kernel": (4, 6), "recurrent_kernel": (2, 6), "bias": (6,)},
        "input kernel recurrent_kernel bias state candidate gates reset_state",
    ),
    (
        "QSimpleSNNCell",
        {**SPIKING, "enable_sq": False, "enable_oq": True, "inhibition": True},
        3,
        {"units": 3, "inhibition": True, "reset_mechanism": "subtract"},
        {"threshold": (3,), "graded_spikes_factor": (), "ebops_beta": (), "ebops": ()},
        "input output graded_spikes_factor",
    ),
    (
        "QLIFCell",
        {**LIF, "reset_mechanism": "zero", "learn_threshold": True, "enable_ebops": False},
        3,
        {"units": 3, "inhibition": False, "reset_mechanism": "zero"},
        {"threshold": (3,), "beta": (), "graded_spikes_factor": ()},  # what is learned is first
        "input state beta graded_spikes_factor",
    ),
]


@pytest.mark.parametrize(("name", "options", "size", "config", "variables", "places"), CELLS)
def test_cells(name, options, size, config, variables, places):
    """Catches a weight that is read at another's place, and a quantizer that is lost."""
    found = plan("hgq", name, options, [(size,)], (None,))
    assert found.output == (config["units"],) == found.further_outputs[0]
    assert found.config == config
    assert {v.name: v.shape for v in found.variables} == variables
    assert [v.name for v in found.variables] == list(variables)
    assert [slot.place for slot in found.slots] == places.split()


def test_the_quantizers_of_a_gru_that_the_file_does_not_describe():
    """hgq2 takes a hard tanh and a hard sigmoid where the options are null."""
    slots = {s.place: s for s in plan("hgq", "QGRUCell", SIMPLE, [(4,)], (None,)).slots}
    assert slots["candidate"].raw == {"class_name": "HardTanhConfig", "config": {}}
    assert slots["gates"].raw == {"class_name": "HardSigmoidConfig", "config": {}}
    assert slots["gates"].folder == "praq/quantizer"
    assert slots["gates"].shape == (1, 4)


def test_a_simple_rnn_has_no_state_quantizer_unless_the_file_says_so():
    """The package forgets enable_sq on saving, and loads the file without a state quantizer."""
    without = plan("hgq", "QSimpleRNN", SIMPLE, [(5, 4)]).parts["cell"].plan
    assert "state" not in [slot.place for slot in without.slots]
    with_it = plan("hgq", "QSimpleRNN", {**SIMPLE, "enable_sq": True}, [(5, 4)]).parts["cell"].plan
    assert "state" in [slot.place for slot in with_it.slots]


def test_a_stack_stores_its_cells_by_class():
    """Catches a second cell of a class that is read from the first one's place."""
    cells = [
        described("QGRUCell", SIMPLE),
        described("QLIFCell", {**LIF, "units": 2, "threshold": 1}),
    ]
    stack = described("StackedRNNCells", {"cells": [*cells, cells[0]]}, "keras")
    cell = plan("keras", "RNN", {"cell": stack, "return_state": True}, [(5, 4)]).parts["cell"]
    folders = [part.folder for part in cell.plan.parts.values()]
    assert folders == ["cells/qgru_cell", "cells/qlif_cell", "cells/qgru_cell_1"]
    assert cell.folder == "cell"
    assert cell.plan.further_outputs == ((2,), (2,), (2,))


@pytest.mark.parametrize("state", [Tensor(1), [Tensor(1)], [[Tensor(1)]]])
def test_a_first_state_may_be_a_tensor(state):
    """Keras writes one state bare, in a list, or in nested ones."""
    shapes = [(5, 4), (2,)]
    for found in (
        plan("hgq", "QGRU", SIMPLE, shapes, (X, state)),
        plan("hgq", "QGRU", SIMPLE, shapes, initial_state=state),
        plan("hgq", "QGRUCell", SIMPLE, [(4,), (2,)], (X, state)),
    ):
        assert found.arguments["operands"] == (0, 1)


def test_a_first_state_and_a_mask_may_be_constants():
    """They lose their batch axis: all samples share them."""
    state, mask = np.array([[1.0, 2.0]], np.float32), np.array([[True, False, True]])
    found = plan("hgq", "QGRU", SIMPLE, [(3, 4)], initial_state=[state], mask=mask)
    assert found.arguments["operands"][1].tolist() == [1.0, 2.0]
    assert found.arguments["mask"].tolist() == [True, False, True]
    assert plan("hgq", "QGRU", SIMPLE, [(3, 4)], mask=[None, None]).arguments["mask"] is None
    tensor = plan("hgq", "QGRU", SIMPLE, [(3, 4), (3,)], mask=Tensor(1))
    assert tensor.arguments["mask"] == 1


# -- what is refused -------------------------------------------------------------


def both(forward: Any, backward: Any, **more: Any) -> dict[str, Any]:
    return {"merge_mode": "sum", "layer": forward, "backward_layer": backward, **more}


RNN = described("QSimpleRNN", SIMPLE)
BACK = described("QSimpleRNN", {**SIMPLE, "go_backwards": True})
DENSE = described("QDense", {"units": 2})
UNKNOWN = described("Mine", {}, module="mine", registered_name="mine>Mine")

# error, package, class, options, input shapes, call, text
REFUSED: list[tuple[type[Hgq2rtlError], str, str, dict[str, Any], list[Shape], Any, str]] = [
    (
        UnsupportedLayer,
        "hgq",
        "QSimpleRNN",
        {**SIMPLE, "stateful": True},
        [(5, 4)],
        {},
        "it keeps its state from one sample to the next, and the circuit computes each sample "
        "alone. Build it with stateful=False, and make the state an input and an output of the "
        "model.",
    ),
    (
        UnsupportedLayer,
        "hgq",
        "QGRU",
        {**SIMPLE, "enable_oq": True},
        [(5, 4)],
        {},
        "its output quantizer is switched on, and hgq2 cannot build such a cell. Build it "
        "without, and put a Quantizer behind it.",
    ),
    (
        UnsupportedLayer,
        "hgq",
        "QGRU",
        {**SIMPLE, "activation": "softmax"},
        [(5, 4)],
        {},
        "activation 'softmax' divides by a sum over an axis, which has no exact form. Use hgq2's "
        "QSoftmax, or leave it away: the largest output stays the largest.",
    ),
    (
        UnsupportedLayer,
        "keras",
        "SimpleRNN",
        {**SIMPLE, "activation": "tanh"},
        [(5, 4)],
        {},
        "activation 'tanh' between the steps of a recurrence has no exact value. Use hgq2's "
        "QSimpleRNN, whose state is quantized (by a hard tanh, if not told otherwise), or relu.",
    ),
    *(
        (
            UnsupportedLayer,
            "keras",
            name,
            SIMPLE,
            [(5, 4)],
            {},
            "its gates multiply floating-point numbers with each other in every step, so an "
            "exact circuit would have to double its bits in each. Use hgq2's QGRU, whose gates "
            "and state are quantized.",
        )
        for name in NEVER
    ),
    (
        BadModelFile,
        "hgq",
        "QGRU",
        SIMPLE,
        [(4,)],
        {},
        "its input has the shape (4,); a sequence has steps and features." + AGAIN,
    ),
    (
        BadModelFile,
        "hgq",
        "QGRU",
        {**SIMPLE, "units": 0},
        [(5, 4)],
        {},
        "option 'units' is 0; it must be a whole number of at least 1, below 2^48." + AGAIN,
    ),
    (
        BadModelFile,
        "hgq",
        "QLIF",
        LIF,
        [(5, 4)],
        {},
        "3 neurons take 3 inputs, one each, and get 4." + AGAIN,
    ),
    (
        BadModelFile,
        "hgq",
        "QLIF",
        {**LIF, "beta": [0.5, 0.5]},
        [(5, 3)],
        {},
        "option 'beta' is [0.5, 0.5]; it must be a finite number, or a list of 3 of them." + AGAIN,
    ),
    (
        BadModelFile,
        "hgq",
        "QSimpleSNN",
        {**SPIKING, "reset_mechanism": "half"},
        [(5, 3)],
        {},
        "option 'reset_mechanism' is 'half'; it must be one of subtract, zero, none." + AGAIN,
    ),
    (
        UnsupportedLayer,
        "hgq",
        "QGRU",
        {**SIMPLE, "leak": 0.1},
        [(5, 4)],
        {},
        "option 'leak' = 0.1 is unknown here and may change the arithmetic. Build the layer "
        "without it.",
    ),
    (
        BadModelFile,
        "hgq",
        "QGRU",
        SIMPLE,
        [(5, 4), (2,), (2,)],
        {"initial_state": [Tensor(1), Tensor(2)]},
        "it is called with 2 states and has 1." + AGAIN,
    ),
    (
        UnsupportedLayer,
        "hgq",
        "QGRU",
        SIMPLE,
        [(5, 4)],
        {"initial_state": np.zeros((3, 2), np.float32)},
        "it is called with a state that is no tensor of shape (2,), and no constant of shape "
        "(1, 2) that all samples share. Give tensors of the model or NumPy arrays of that shape.",
    ),
    (
        BadModelFile,
        "hgq",
        "QGRU",
        SIMPLE,
        [(5, 4)],
        {"mask": np.ones((1, 4), bool)},
        "its mask of shape (4,) does not fit a sequence of 5 steps." + AGAIN,
    ),
    (
        UnsupportedLayer,
        "hgq",
        "QGRU",
        SIMPLE,
        [(5, 4)],
        {"mask": np.ones((2, 5), bool)},
        "its mask of shape (2, 5) has an entry for each sample of the batch. All samples share "
        "one circuit: give a mask whose batch axis is 1.",
    ),
    (
        BadModelFile,
        "hgq",
        "QGRUCell",
        SIMPLE,
        [(4,)],
        {},
        "a cell is called with its input and its states, and this call has none." + AGAIN,
    ),
    (
        BadModelFile,
        "hgq",
        "QGRUCell",
        SIMPLE,
        [(5, 4)],
        {},
        "its input has the shape (5, 4); a cell takes a vector." + AGAIN,
    ),
    (
        BadModelFile,
        "keras",
        "RNN",
        {"cell": "QGRUCell"},
        [(5, 4)],
        {},
        "'cell' holds 'QGRUCell', which describes no layer." + AGAIN,
    ),
    (
        UnsupportedLayer,
        "keras",
        "RNN",
        {"cell": UNKNOWN},
        [(5, 4)],
        {},
        "it holds a layer of class Mine, which is not read. Build the model without it.",
    ),
    (
        BadModelFile,
        "keras",
        "RNN",
        {"cell": described("StackedRNNCells", {"cells": []}, "keras")},
        [(5, 4)],
        {},
        "option 'cells' is []; it must be a list of cells." + AGAIN,
    ),
    (
        UnsupportedLayer,
        "keras",
        "TimeDistributed",
        {"layer": described("Sequential", {}, "keras")},
        [(5, 4)],
        {},
        "it holds a whole model. Give it a layer: wrap the model's layers one by one.",
    ),
    (
        UnsupportedLayer,
        "keras",
        "TimeDistributed",
        {"layer": described("QDense", {"units": 2, "dtype": "float16"})},
        [(5, 4)],
        {},
        "the layer that it holds has another dtype policy. Give both the same, float32.",
    ),
    (
        UnsupportedLayer,
        "keras",
        "TimeDistributed",
        {"layer": described("QGRU", {**SIMPLE, "return_state": True})},
        [(5, 3, 4)],
        {},
        "the layer that it holds gives several tensors. Wrap a layer with one output "
        "(return_state=False).",
    ),
    (
        BadModelFile,
        "keras",
        "TimeDistributed",
        {"layer": DENSE},
        [(5,)],
        {},
        "its input has the shape (5,), and a sequence has more." + AGAIN,
    ),
    (
        UnsupportedLayer,
        "keras",
        "Bidirectional",
        both(DENSE, BACK),
        [(5, 4)],
        {},
        "its layer is no recurrent layer. Wrap a QSimpleRNN, QGRU, QLIF, or an RNN.",
    ),
    (
        BadModelFile,
        "keras",
        "Bidirectional",
        both(RNN, RNN),
        [(5, 4)],
        {},
        "its two layers go the same way along the sequence." + AGAIN,
    ),
    (
        BadModelFile,
        "keras",
        "Bidirectional",
        both(RNN, described("QSimpleRNN", {**BACK["config"], "return_sequences": True})),
        [(5, 4)],
        {},
        "its two layers differ in return_sequences." + AGAIN,
    ),
    (
        BadModelFile,
        "keras",
        "Bidirectional",
        both(RNN, described("QSimpleRNN", {**BACK["config"], "units": 3})),
        [(5, 4)],
        {},
        "outputs of shapes (2,) and (3,) do not merge by 'sum'." + AGAIN,
    ),
    (
        BadModelFile,
        "keras",
        "Bidirectional",
        both(RNN, BACK, merge_mode="max"),
        [(5, 4)],
        {},
        "option 'merge_mode' is 'max'; it must be one of sum, mul, ave, concat." + AGAIN,
    ),
    (
        BadModelFile,
        "keras",
        "Masking",
        {"mask_value": None},
        [(5, 4)],
        {},
        "option 'mask_value' is None; it must be a finite number." + AGAIN,
    ),
]


@pytest.mark.parametrize(("kind", "package", "name", "options", "shapes", "call", "text"), REFUSED)
def test_refusals(kind, package, name, options, shapes, call, text):
    """Catches nonsense that passes, and a message that does not say what to do."""
    with pytest.raises(kind) as error:
        plan(package, name, options, shapes, **call)
    assert str(error.value) == f"l ({name}) in f: {text}"


def test_every_class_of_these_families_has_an_example():
    registered = {key for module in MODULES for key in families()[module]}
    examples = {(package, name) for package, name, *_ in LAYERS}
    examples |= {("hgq", name) for name, *_ in CELLS}
    examples |= {("keras", name) for name in (*NEVER, "SimpleRNNCell", "StackedRNNCells")}
    assert registered == examples


def test_every_record_has_a_handler():
    for _, name, *_ in LAYERS:
        assert name in HANDLERS
    for name, *_ in CELLS:
        assert name in HANDLERS
