"""Schemas of function tables, softmax and activations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hgq2rtl.errors import BadModelFile, UnsupportedLayer
from hgq2rtl.frontends.layers.activation import OPERATIONS, OTHER_NAMES, WITH_NUMBERS
from hgq2rtl.frontends.options import Options
from hgq2rtl.frontends.schema import Plan, Site, schema_of
from hgq2rtl.frontends.topology import Tensor

from ..test_layers import families, plan

BUMP = {"module": "builtins", "class_name": "function", "config": "zoo>bump"}


def refusal(name: str, options: dict[str, Any], kind: type, package: str = "hgq") -> str:
    with pytest.raises(kind) as caught:
        plan(package, name, options, [(3, 4)])
    return str(caught.value)


def called(options: dict[str, Any], shapes: list[tuple[int, ...]], mask: Any) -> Plan:
    """A QSoftmax with a mask."""
    site = Site(Options(options, "l (QSoftmax) in f"), shapes, (Tensor(0),), {"mask": mask})
    made = schema_of("hgq", "QSoftmax")(site)
    site.refuse_leftovers()
    return made


# -- functions by name -------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("tanh", "tanh"),
        (None, "linear"),
        (BUMP, "zoo>bump"),
        ({"class_name": "PjitFunction", "config": "sin"}, "sin"),
    ],
)
@pytest.mark.parametrize(
    ("package", "class_name"), [("keras", "Activation"), ("hgq", "QUnaryFunctionLUT")]
)
def test_a_function_is_named(given, name, package, class_name):
    """Catches a form in which Keras writes functions."""
    made = plan(package, class_name, {"activation": given}, [(3, 4)])
    assert made.config == {"activation": name} and made.output == (3, 4)


@pytest.mark.parametrize("name", ["Activation", "QUnaryFunctionLUT"])
def test_what_is_no_function_of_single_numbers_is_refused(name):
    package = "keras" if name == "Activation" else "hgq"
    assert refusal(name, {"activation": "softmax"}, UnsupportedLayer, package) == (
        f"l ({name}) in f: activation 'softmax' divides by a sum over an axis, which has no exact "
        "form. Use hgq2's QSoftmax, or leave it away: the largest output stays the largest."
    )
    layer = {"class_name": "LeakyReLU", "config": {}}
    assert refusal(name, {"activation": layer}, UnsupportedLayer, package) == (
        f"l ({name}) in f: activation 'LeakyReLU' is not a function with a name. Name one of "
        "Keras' activations, or a function that is registered with "
        "keras.saving.register_keras_serializable."
    )


def test_operations_become_activations():
    """Catches an operation whose function has another name, or that loses its numbers."""
    for name in OPERATIONS.split():
        made = plan("ops", name, {}, [(3,)])
        assert (made.class_name, made.config) == ("Activation", {"activation": name.lower()})
    for name, function in OTHER_NAMES.items():
        assert plan("ops", name, {}, [(3,)]).config == {"activation": function}
    for name, (function, numbers) in WITH_NUMBERS.items():
        given = {key: 0.75 for key in numbers}
        made = plan("ops", name, given, [(3,)])
        assert made.config == {"activation": function, "parameters": given}
    made = plan("ops", "Gelu", {"approximate": False}, [(3,)])
    assert made.config == {"activation": "gelu", "parameters": {"approximate": False}}
    made = plan("keras", "ELU", {"alpha": 0.5}, [(3,)])
    assert made.config == {"activation": "elu", "parameters": {"alpha": 0.5}}
    assert {name for _, name in families()["activation"]} == {
        *OPERATIONS.split(),
        *OTHER_NAMES,
        *WITH_NUMBERS,
        *("Activation", "ELU", "Gelu", "Softmax", "LogSoftmax", "Sparsemax"),
    }


@pytest.mark.parametrize(
    ("package", "name"), [("keras", "Softmax"), ("ops", "Softmax"), ("ops", "LogSoftmax")]
)
def test_a_plain_softmax_is_refused(package, name):
    assert refusal(name, {"axis": -1}, UnsupportedLayer, package) == (
        f"l ({name}) in f: it divides by a sum over an axis, which has no exact form. Use hgq2's "
        "QSoftmax, or leave it away: the largest output stays the largest."
    )


# -- tables --------------------------------------------------------------------------


def test_tables_have_a_quantizer_on_either_side():
    made = plan("hgq", "QUnaryFunctionLUT", {"activation": "tanh"}, [(3, 4)])
    assert [(slot.place, slot.default, slot.folder, slot.shape) for slot in made.slots] == [
        ("input", "datalane", "iq/quantizer", (1, 3, 4)),
        ("output", "table", "oq/quantizer", (1, 3, 4)),
    ]
    assert [v.name for v in made.variables] == ["ebops_beta", "ebops"]
    bare = {"activation": "tanh", "enable_iq": False, "enable_oq": False, "enable_ebops": False}
    assert plan("hgq", "QUnaryFunctionLUT", bare, [(4,)]).slots == ()


def test_an_affine_table_stores_its_two_numbers_first():
    made = plan("hgq", "QAffinedUnaryFunctionLUT", {"activation": "tanh"}, [(4,)])
    stored = [(v.name, v.shape) for v in made.variables]
    assert stored == [("scale", (1,)), ("bias", (1,)), ("ebops_beta", ()), ("ebops", ())]


# -- softmax ---------------------------------------------------------------------------


def test_softmax_has_two_tables():
    made = plan("hgq", "QSoftmax", {"axes": [2], "enable_iq": False}, [(3, 4)])
    assert made.output == (3, 4)
    assert made.config == {"axes": (1,), "stable": True, "input_scaler": 1.0}
    assert made.arguments == {"operands": (0,)} and made.slots == ()
    found = {
        role: (part.class_name, part.folder, [(s.place, s.shape) for s in part.plan.slots])
        for role, part in made.parts.items()
    }
    assert found == {
        "exp_table": (
            "QUnaryFunctionLUT",
            "exp_table",
            [("input", (1, 3, 4)), ("output", (1, 3, 4))],
        ),
        "inv_table": (
            "QUnaryFunctionLUT",
            "inv_table",
            [("input", (1, 3, 1)), ("output", (1, 3, 1))],
        ),
    }


def test_an_unstable_softmax_has_no_quantizer_before_its_exponentials():
    """Catches variables that the file does not hold."""
    made = plan("hgq", "QSoftmax", {"axes": [1, 2], "stable": False}, [(3, 4)])
    table = made.parts["exp_table"].plan
    assert [slot.place for slot in table.slots] == ["output"] and table.variables == ()
    assert made.parts["inv_table"].plan.slots[0].shape == (1, 1, 1)


def test_masks():
    rows = [[[True, False, True, True]]]
    assert called({"axes": [2]}, [(3, 4)], rows).arguments["operands"][1].shape == (1, 4)
    whole = np.ones((3, 4), np.int64)
    (_, mask) = called({"axes": [2]}, [(3, 4)], whole).arguments["operands"]
    assert mask.dtype == bool and mask.shape == (3, 4)
    assert called({"axes": [2]}, [(3, 4), (3, 4)], Tensor(1)).arguments == {"operands": (0, 1)}


@pytest.mark.parametrize(
    ("mask", "kind", "text"),
    [
        (
            np.full((3, 4), 0.5),
            UnsupportedLayer,
            "its mask is neither a tensor nor an array of zeros and ones. "
            "Give a mask of truth values.",
        ),
        (
            np.ones((2, 3, 4)),
            UnsupportedLayer,
            "its mask of shape (2, 3, 4) has an entry for each sample of the batch. "
            "All samples share one circuit: give a mask whose batch axis is 1.",
        ),
        (
            np.ones((2, 4)),
            BadModelFile,
            "its mask of shape (2, 4) does not spread to (3, 4). Save the model again from Keras.",
        ),
        (
            [[1, 0], [1]],
            UnsupportedLayer,
            "its mask is neither a tensor nor an array of zeros and ones. "
            "Give a mask of truth values.",
        ),
    ],
)
def test_masks_that_are_refused(mask, kind, text):
    with pytest.raises(kind) as caught:
        called({"axes": [2]}, [(3, 4)], mask)
    assert str(caught.value) == f"l (QSoftmax) in f: {text}"


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"axes": [0]}, UnsupportedLayer),
        ({"axes": [3]}, BadModelFile),
        ({"axes": [1, 1]}, BadModelFile),
        ({"axes": [1], "stable": "yes"}, BadModelFile),
        ({"axes": [1], "input_scaler": 0}, BadModelFile),
        ({"axes": [1], "input_scaler": float("inf")}, BadModelFile),
        ({"axes": [1], "temperature": 2.0}, UnsupportedLayer),
    ],
)
def test_softmax_options_that_are_refused(options, kind):
    assert refusal("QSoftmax", options, kind).startswith("l (QSoftmax) in f: ")
