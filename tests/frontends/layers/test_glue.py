"""Schemas of merges, reductions, and the operations of Keras between layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hgq2rtl.errors import BadModelFile, TooLarge, UnsupportedLayer
from hgq2rtl.frontends.options import Options
from hgq2rtl.frontends.schema import Plan, Site, schema_of
from hgq2rtl.frontends.topology import Tensor
from hgq2rtl.lowering import HANDLERS

from ..test_layers import families

MODULES = ("merge", "moving", "operations", "reduction", "reshaping")
X, Y = Tensor(0), Tensor(1)
Shape = tuple[int, ...]


def plan(
    package: str, name: str, options: dict[str, Any], shapes: list[Shape], arguments: Any = None
) -> Plan:
    """The plan of a layer called with `arguments`; without, with its inputs as layers have them."""
    if arguments is None:
        arguments = [X] if len(shapes) == 1 else [[Tensor(n) for n in range(len(shapes))]]
    site = Site(Options(options, f"l ({name}) in f"), shapes, arguments)
    found = schema_of(package, name)(site)
    site.refuse_leftovers()
    return found


def constant(*shape: int) -> np.ndarray:
    return np.arange(1, 1 + int(np.prod(shape)), dtype=np.float32).reshape(shape)


# package, class, options, input shapes, output shapes, config
LAYERS = [
    ("hgq", "QAdd", {"iq_confs": None}, [(5, 4), (5, 1), (4,)], [(5, 4)], {}),
    ("hgq", "QSubtract", {"iq_confs": None}, [(4,), (4,)], [(4,)], {}),
    ("hgq", "QMultiply", {"iq_confs": None}, [(4,), (4,)], [(4,)], {}),
    ("hgq", "QMaximum", {"iq_confs": None}, [(4,)] * 3, [(4,)], {}),
    ("hgq", "QMinimum", {"iq_confs": None}, [(4,), (4,)], [(4,)], {}),
    ("hgq", "QAveragePow2", {"iq_confs": None}, [(4,), (4,)], [(4,)], {}),
    ("hgq", "QDot", {"axes": -1, "iq_confs": None}, [(4,), (4,)], [(1,)], {"equation": "b,b->"}),
    (
        "hgq",
        "QEinsum",
        {"equation": "Bab,Bcb->Bac", "iq_confs": None},
        [(5, 4), (3, 4)],
        [(5, 3)],
        {"equation": "ab,cb->ac"},
    ),
    ("keras", "Add", {}, [(5, 4), (4,)], [(5, 4)], {}),
    ("keras", "Subtract", {}, [(4,), (4,)], [(4,)], {}),
    ("keras", "Multiply", {}, [(4,), (4,)], [(4,)], {}),
    ("keras", "Maximum", {}, [(4,), (4,)], [(4,)], {}),
    ("keras", "Minimum", {}, [(4,), (4,)], [(4,)], {}),
    ("keras", "Average", {}, [(4,), (4,)], [(4,)], {}),
    ("keras", "Dot", {"axes": [2, 1]}, [(5, 4), (4, 3)], [(5, 3)], {"equation": "bc,cd->bd"}),
    ("keras", "Concatenate", {"axis": -1}, [(5, 4), (5, 2)], [(5, 6)], {"axis": 1}),
    ("ops", "Concatenate", {"axis": 1}, [(5, 4), (3, 4)], [(8, 4)], {"axis": 0}),
    ("keras", "RepeatVector", {"n": 3}, [(4,)], [(3, 4)], {"n": 3}),
    (
        "keras",
        "Flatten",
        {"data_format": "channels_first"},
        [(5, 4, 2)],
        [(40,)],
        {"data_format": "channels_first"},
    ),
    ("keras", "Reshape", {"target_shape": [2, -1]}, [(5, 4)], [(2, 10)], {"target_shape": (2, 10)}),
    ("ops", "Reshape", {"newshape": [-1, 20]}, [(5, 4)], [(20,)], {"target_shape": (20,)}),
    ("ops", "Squeeze", {"axis": [-1, 1]}, [(1, 5, 1)], [(5,)], {"target_shape": (5,)}),
    ("ops", "ExpandDims", {"axis": -1}, [(5, 4)], [(5, 4, 1)], {"target_shape": (5, 4, 1)}),
    ("ops", "ExpandDims", {"axis": [1, -1]}, [(5,)], [(1, 5, 1)], {"target_shape": (1, 5, 1)}),
    ("keras", "Permute", {"dims": [2, 3, 1]}, [(5, 4, 2)], [(4, 2, 5)], {"axes": (1, 2, 0)}),
    ("ops", "Transpose", {"axes": [0, 2, 1]}, [(5, 4)], [(4, 5)], {"axes": (1, 0)}),
    (
        "ops",
        "Moveaxis",
        {"source": [1, 2], "destination": [-1, 1]},
        [(5, 4, 2)],
        [(4, 2, 5)],
        {"axes": (1, 2, 0)},
    ),
    ("ops", "Swapaxes", {"axis1": -1, "axis2": 1}, [(5, 4)], [(4, 5)], {"axes": (1, 0)}),
    (
        "hgq",
        "QSum",
        {"axes": [1, -1], "scale": 0.25, "iq_conf": None},
        [(5, 4, 2)],
        [(4,)],
        {"axes": (0, 2), "scale": 0.25, "keepdims": False},
    ),
    (
        "hgq",
        "QMeanPow2",
        {"axes": 1, "keepdims": True, "iq_conf": None},
        [(6, 4)],
        [(1, 4)],
        {"axes": (0,), "scale": 0.125, "keepdims": True},
    ),
]
REDUCED = {"axis": (0,), "keepdims": False}
TAKEN = np.array([2, 0, 0])

# class, options, input shapes, arguments, output shapes, config
OPERATIONS = [
    ("Add", {}, [(5, 4)], [X, 2], [(5, 4)], {}),
    ("Subtract", {}, [(5, 4)], [constant(4), X], [(5, 4)], {}),
    ("Where", {}, [(5, 4), (1, 4)], [X, Y, 0.5], [(5, 4)], {}),
    ("LeftShift", {}, [(4,)], [X, 2], [(4,)], {}),
    ("Clip", {"x_min": -1, "x_max": None}, [(4,)], [X], [(4,)], {"x_min": -1.0, "x_max": None}),
    ("LeakyRelu", {"negative_slope": 0.25}, [(4,)], [X], [(4,)], {"negative_slope": 0.25}),
    ("Round", {"decimals": 0}, [(4,)], [X], [(4,)], {}),
    ("Cast", {"dtype": "int64"}, [(4,)], [X], [(4,)], {"dtype": "int32"}),
    ("ConvertToTensor", {"dtype": None, "sparse": None}, [(4,)], [X], [(4,)], {}),
    ("Select", {}, [(5, 4), (5, 4)], [[X, Y], [Y, 1.0], 0], [(5, 4)], {}),
    ("OnesLike", {"dtype": None}, [(5, 4)], [X], [(5, 4)], {}),
    ("ZerosLike", {"dtype": None}, [(5, 4)], [X], [(5, 4)], {}),
    ("FullLike", {"dtype": None}, [(5, 4)], [X, 3], [(5, 4)], {}),
    (
        "OneHot",
        {"num_classes": 3, "axis": 1, "dtype": "float32", "sparse": False},
        [(4,)],
        [X],
        [(3, 4)],
        {"num_classes": 3, "axis": 0},
    ),
    ("Matmul", {}, [(5, 4)], [X, constant(4, 2)], [(5, 2)], {"equation": "bc,cd->bd"}),
    ("Dot", {}, [(5, 4)], [X, constant(4)], [(5,)], {"equation": "bc,c->b"}),
    ("Dot", {}, [(5, 4)], [X, 2.0], [(5, 4)], {}),
    ("Inner", {}, [(5, 4)], [X, constant(3, 4)], [(5, 3)], {"equation": "bc,dc->bd"}),
    ("Outer", {}, [()], [X, constant(3, 2)], [(6,)], {"equation": ",b->b"}),
    (
        "Tensordot",
        {"axes": [[1, 2], [0, 1]]},
        [(5, 4)],
        [X, constant(5, 4)],
        [()],
        {"equation": "bc,bc->"},
    ),
    (
        "Einsum",
        {"subscripts": "...i,...j"},
        [(5, 4), (5, 3)],
        [X, Y],
        [(5, 4, 3)],
        {"equation": "bi,bj->bij"},
    ),
    ("Sum", {"axis": 1, "keepdims": False}, [(5, 4)], [X], [(4,)], REDUCED),
    ("Amax", {"axis": [1], "keepdims": False}, [(5, 4)], [X], [(4,)], REDUCED),
    ("Average", {"axis": 1}, [(5, 4)], [X], [(4,)], REDUCED),
    (
        "Max",
        {"axis": -1, "keepdims": True, "initial": 2},
        [(5, 4)],
        [X],
        [(5, 1)],
        {"axis": (1,), "keepdims": True, "initial": 2.0},
    ),
    ("Sort", {"axis": -1}, [(5, 4)], [X], [(5, 4)], {"axis": 1}),
    ("Cumsum", {"axis": 1, "dtype": None}, [(5, 4)], [X], [(5, 4)], {"axis": 0}),
    ("Diff", {"n": 2, "axis": -1}, [(5, 4)], [X], [(5, 2)], {"axis": 1, "n": 2}),
    ("TopK", {"k": 2, "sorted": True}, [(5, 4)], [X], [(5, 2), (5, 2)], {"axis": 1, "k": 2}),
    (
        "Trace",
        {"offset": -1, "axis1": 1, "axis2": 3},
        [(5, 4, 2)],
        [X],
        [(4,)],
        {"offset": -1, "axis1": 0, "axis2": 2},
    ),
    ("Flip", {"axis": 1}, [(5, 4)], [X], [(5, 4)], {"axis": 1}),
    ("Fliplr", {}, [(5, 4)], [X], [(5, 4)], {}),
    ("Roll", {"shift": 2**40, "axis": [1]}, [(4,)], [X], [(4,)], {"shift": 2**40, "axis": (1,)}),
    ("Repeat", {"repeats": [2, 0], "axis": 1}, [(2,)], [X], [(2,)], {"repeats": (2, 0), "axis": 1}),
    ("Tile", {"repeats": [1, 3]}, [(4,)], [X], [(12,)], {"repeats": (1, 3)}),
    (
        "Diagonal",
        {"offset": 0, "axis1": 1, "axis2": 2},
        [(5, 4)],
        [X],
        [(4,)],
        {"offset": 0, "axis1": 1, "axis2": 2},
    ),
    (
        "Split",
        {"indices_or_sections": [1, 3], "axis": 1},
        [(4,)],
        [X],
        [(1,), (2,), (1,)],
        {"indices_or_sections": (1, 3), "axis": 1},
    ),
    ("Unstack", {"num": None, "axis": -1}, [(5, 2)], [X], [(5,), (5,)], {"axis": 1}),
    ("Stack", {"axis": 1}, [(4,), (4,)], [[X, Y]], [(2, 4)], {"axis": 1}),
    ("Hstack", {}, [(4,), (2,)], [[X, Y]], [(6,)], {}),
    ("Take", {"axis": -1}, [(5, 4)], [X, [0, -1]], [(5, 2)], {"axis": 2}),
    ("Take", {"axis": 1}, [(5, 4)], [X, 3], [(4,)], {"axis": 1}),
    ("TakeAlongAxis", {"axis": 1}, [(4,)], [X, TAKEN[None]], [(3,)], {"axis": 1}),
    (
        "Pad",
        {"pad_width": [[0, 0], [1, 2]], "mode": "constant"},
        [(4,)],
        [X, 1.5],
        [(7,)],
        {"pad_width": ((0, 0), (1, 2)), "mode": "constant", "constant_values": 1.5},
    ),
]
ALIKE = {
    "Sum": "All Amin Any Argmax Argmin CountNonzero Mean Median Min Prod Ptp Var",
    "Sort": "Argsort",
    "Split": "ArraySplit Dsplit Hsplit",
    "Stack": "Dstack",
    "Flip": "Rot90 Tril Triu",
    "Add": """Absolute Abs BitwiseAnd BitwiseInvert BitwiseLeftShift BitwiseNot BitwiseOr
        BitwiseRightShift BitwiseXor Ceil Copy Divide Equal Fabs Floor FloorDivide Fmax Fmin Fmod
        Greater GreaterEqual Less LessEqual LogicalAnd LogicalNot LogicalOr LogicalXor Maximum
        Minimum Mod Multiply Negative NotEqual Power Relu6 RightShift Sign Square StopGradient
        TrueDivide Trunc""",
}
"""Classes whose schema is that of another: the journeys compare them with Keras."""
NEVER = {"BroadcastTo", "Flipud", "Ravel", "Vsplit", "Vstack"}


@pytest.mark.parametrize(
    ("package", "name", "options", "shapes", "outputs", "config"),
    LAYERS,
    ids=[f"{package}-{name}-{n}" for n, (package, name, *_) in enumerate(LAYERS)],
)
def test_layers(package, name, options, shapes, outputs, config):
    """Catches an option that is read wrong, and a wrong shape."""
    found = plan(package, name, options, shapes)
    assert [found.output, *found.further_outputs] == outputs
    assert found.config == config
    is_quantized = package == "hgq"
    assert [v.name for v in found.variables] == ["ebops_beta", "ebops"] * is_quantized
    assert [slot.shape for slot in found.slots] == [(1, *s) for s in shapes] * is_quantized


@pytest.mark.parametrize(
    ("name", "options", "shapes", "arguments", "outputs", "config"),
    OPERATIONS,
    ids=[f"{name}-{n}" for n, (name, *_) in enumerate(OPERATIONS)],
)
def test_operations(name, options, shapes, arguments, outputs, config):
    """Catches an option that is read wrong, and a wrong shape."""
    found = plan("ops", name, options, shapes, arguments)
    assert [found.output, *found.further_outputs] == outputs
    assert found.config == config


def test_every_class_of_these_families_has_an_example():
    """Catches a class without a test."""
    registered = {key for module in MODULES for key in families()[module]}
    examples = {(package, name) for package, name, *_ in LAYERS}
    examples |= {("ops", name) for name, *_ in OPERATIONS}
    examples |= {("ops", name) for names in ALIKE.values() for name in names.split()}
    assert registered == examples | {("ops", name) for name in NEVER}


def test_every_record_has_a_handler():
    """Catches a record class that nothing lowers."""
    made = [(name, plan(package, name, *more[:2])) for package, name, *more in LAYERS]
    made += [(name, plan("ops", name, *more[:3])) for name, *more in OPERATIONS]
    assert {found.class_name or name for name, found in made} <= set(HANDLERS)


# -- constants -------------------------------------------------------------------


def test_constants_lose_the_batch_axis():
    """Catches a constant that meets the wrong axis."""
    found = plan("ops", "Add", {}, [(3, 4)], [constant(1, 3, 4), X])
    assert [np.shape(o) for o in found.arguments["operands"]] == [(3, 4), ()]
    found = plan("ops", "Matmul", {}, [(3, 4)], [constant(1, 2, 3), X])
    assert found.config == {"equation": "bc,cd->bd"}
    assert found.arguments["operands"][0].shape == (2, 3)


def test_a_number_is_what_the_tensors_are():
    """Keras makes a Python number of the tensors' type: catches one that is rounded twice."""

    def number(dtype: str) -> Any:
        site = Site(Options({}, "l (Add) in f"), [(4,)], [X, 0.1], dtypes=[dtype])
        return schema_of("ops", "Add")(site).arguments["operands"][1]

    assert number("float32") == np.float32(0.1)
    assert number("float64") == 0.1


# -- refusals --------------------------------------------------------------------

MIXES = (
    "it moves elements between the samples of the batch, which hardware sees one by one. "
    "Leave the first axis as it is."
)
EQUATION = (
    "mixes the samples of the batch. Keep the batch axis first in every tensor and in the "
    "result, with a label of its own."
)
UNSUPPORTED = [
    ("Flip", {"axis": None}, [(4,)], [X], MIXES),
    ("Flip", {"axis": [0, 1]}, [(4,)], [X], MIXES),
    ("Roll", {"shift": 1, "axis": None}, [(4,)], [X], MIXES),
    ("Repeat", {"repeats": 2, "axis": None}, [(4,)], [X], MIXES),
    ("Tile", {"repeats": [2, 1]}, [(4,)], [X], MIXES),
    ("Tile", {"repeats": [1, 1, 1]}, [(4,)], [X], MIXES),
    ("Tril", {"k": 0}, [()], [X], MIXES),
    ("Split", {"indices_or_sections": [1], "axis": 0}, [(4,)], [X], MIXES),
    ("Stack", {"axis": 0}, [(4,), (4,)], [[X, Y]], MIXES),
    ("Hstack", {}, [(), ()], [[X, Y]], MIXES),
    ("Vstack", {}, [(4,), (4,)], [[X, Y]], MIXES),
    ("Flipud", {}, [(4,)], [X], MIXES),
    ("Pad", {"pad_width": 1}, [(4,)], [X, None], MIXES),
    ("TakeAlongAxis", {"axis": 1}, [(4,)], [X, np.zeros((2, 4), int)], MIXES),
    ("Matmul", {}, [(4,), (4,)], [X, Y], f"equation 'ab,bc->ac' {EQUATION}"),
    ("Einsum", {"subscripts": "bi->i"}, [(4,)], [X], f"equation 'bi->i' {EQUATION}"),
    ("Einsum", {"subscripts": "bi->ib"}, [(4,)], [X], f"equation 'bi->ib' {EQUATION}"),
    ("Einsum", {"subscripts": "bb->b"}, [(4,)], [X], f"equation 'bb->b' {EQUATION}"),
    (
        "Einsum",
        {"subscripts": "bi,b->bi"},
        [(4,)],
        [X, constant(3)],
        f"equation 'bi,b->bi' {EQUATION}",
    ),
    (
        "Outer",
        {},
        [(4,)],
        [X, constant(3)],
        "it joins the batch with other axes. Use einsum with a label for the batch, such as "
        "'bi,bj->bij'.",
    ),
    (
        "Reshape",
        {"newshape": [4, -1]},
        [(4,)],
        [X],
        "a reshape to [4, -1] may mix samples of the batch. Reshape to (-1, ...) with all other "
        "sizes given.",
    ),
    (
        "Transpose",
        {"axes": None},
        [(4,)],
        [X],
        "a transpose that moves the batch axis mixes samples. Give axes that begin with 0.",
    ),
    (
        "Sum",
        {"axis": None, "keepdims": False},
        [(4,)],
        [X],
        "without 'axis' it reaches over all axes, the batch among them. Give the axes behind the "
        "batch.",
    ),
    (
        "Max",
        {"axis": [0, 1]},
        [(4,)],
        [X],
        "its 'axis' is that of the batch, whose samples hardware sees one by one. Use an axis "
        "from 1 to 1.",
    ),
    (
        "Sort",
        {"axis": -1},
        [()],
        [X],
        "its 'axis' is that of the batch, whose samples hardware sees one by one. Its input has "
        "no other axis.",
    ),
    (
        "Add",
        {},
        [(3, 4), (4,)],
        [X, Y],
        "its operands have shapes (None, 3, 4), (None, 4): aligned at their last axes, the batch "
        "of one meets another axis of the other. Give them equal numbers of axes by Reshape or "
        "expand_dims.",
    ),
    (
        "Add",
        {},
        [(4,)],
        [X, constant(3, 4)],
        "a constant of shape (3, 4) has an entry for each sample of the batch. All samples share "
        "one circuit: give the constant without a batch axis.",
    ),
    (
        "Add",
        {},
        [(4,)],
        [X, "one"],
        "its argument 'x2' is 'one', which is no tensor and no constant. Use tensors of the "
        "model, numbers and NumPy arrays.",
    ),
    ("Mod", {}, [(4,)], [X, 0], "it divides by a constant 0. Divide by something else."),
    ("LeftShift", {}, [(4,), (4,)], [X, Y], "it shifts by a variable. Shift by a constant."),
    (
        "RightShift",
        {},
        [(2,)],
        [X, np.array([1, -1])],
        "it shifts by [1, -1]. Shift by whole numbers from 0 to 31.",
    ),
    (
        "Cast",
        {"dtype": "int8"},
        [(4,)],
        [X],
        "it casts to 'int8', in which numbers would wrap or round. Cast to bool, int32 or float32.",
    ),
    (
        "Cumsum",
        {"axis": 1, "dtype": "float16"},
        [(4,)],
        [X],
        "it computes in 'float16', and only float32 is reproduced exactly. Leave dtype out, and "
        "use cast for integers.",
    ),
    (
        "OneHot",
        {"num_classes": 3, "axis": -1, "dtype": "bool"},
        [(4,)],
        [X],
        "its result is of type 'bool'. Leave dtype out, and cast to bool.",
    ),
    (
        "Round",
        {"decimals": 1},
        [(4,)],
        [X],
        "it rounds to decimal places, which have no finite binary form. Round to whole numbers, "
        "or use a Quantizer for binary places.",
    ),
    (
        "ConvertToTensor",
        {"dtype": "int32"},
        [(4,)],
        [X],
        "it converts to dtype = 'int32'. Leave it out, or use cast.",
    ),
    (
        "Take",
        {"axis": 1},
        [(4,), (4,)],
        [X, Y],
        "its indices depend on data. Use constant indices, or one_hot of the indices and a "
        "product.",
    ),
    (
        "Pad",
        {"pad_width": [[0, 0], [1, 1]], "mode": "mean"},
        [(4,)],
        [X],
        "its mode is 'mean'. Use one of constant, edge, reflect, symmetric, wrap.",
    ),
    (
        "Pad",
        {"pad_width": [[0, 0], [1, 1]], "mode": "constant"},
        [(4,)],
        [X, [1, 2]],
        "it pads with [1, 2]. Pad with one number.",
    ),
    (
        "Unstack",
        {"axis": 1},
        [(2000,)],
        [X],
        "it makes 2000 tensors. Split into 1024 at most.",
    ),
    (
        "Concatenate",
        {"axis": 1},
        [(4,)],
        [[X, constant(1, 4)]],
        "it is called with something that is no tensor of the model, or not with one list. Give "
        "it a list of tensors; constants have no batch axis to join them on.",
    ),
]


@pytest.mark.parametrize(
    ("name", "options", "shapes", "arguments", "text"),
    UNSUPPORTED,
    ids=[f"{name}-{n}" for n, (name, *_) in enumerate(UNSUPPORTED)],
)
def test_what_has_no_hardware_form_is_refused(name, options, shapes, arguments, text):
    """Catches what would mix samples, or round."""
    with pytest.raises(UnsupportedLayer) as caught:
        plan("ops", name, options, shapes, arguments)
    assert str(caught.value) == f"l ({name}) in f: {text}"


BAD = [
    ("hgq", "QAdd", {"iq_confs": [None]}, [(4,), (4,)], None),
    ("hgq", "QAdd", {"iq_confs": None}, [(4,), (3,)], None),
    ("hgq", "QSubtract", {"iq_confs": None}, [(4,)] * 3, None),
    ("hgq", "QDot", {"axes": 0}, [(4,), (4,)], None),
    ("hgq", "QDot", {"axes": -1}, [(4,), (3,)], None),
    ("hgq", "QDot", {"axes": [1, 1, 1]}, [(4,), (4,)], None),
    ("hgq", "QEinsum", {"equation": "ab,ac->ad"}, [(4,), (4,)], None),
    ("hgq", "QEinsum", {"equation": "ab->a"}, [(4,), (4,)], None),
    ("hgq", "QEinsum", {"equation": "ab,ab->a"}, [(4,), (3,)], None),
    ("hgq", "QEinsum", {"equation": "a(b,ab->a"}, [(4,), (4,)], None),
    ("hgq", "QSum", {"axes": 1, "scale": 0.3}, [(4,)], None),
    ("hgq", "QSum", {"axes": [1, -1]}, [(4,)], None),
    ("hgq", "QSum", {"axes": 3}, [(4,)], None),
    ("keras", "Concatenate", {"axis": 0}, [(4,), (4,)], None),
    ("keras", "Concatenate", {"axis": 1}, [(4, 2), (4, 3)], None),
    ("keras", "Concatenate", {"axis": 1}, [(4,), (4, 3)], None),
    ("keras", "Flatten", {"data_format": "sideways"}, [(4, 3)], None),
    ("keras", "Reshape", {"target_shape": [-1, -1]}, [(4,)], None),
    ("keras", "Reshape", {"target_shape": [3, -1]}, [(4,)], None),
    ("keras", "Reshape", {"target_shape": [2**40, -1]}, [(4,)], None),
    ("keras", "Reshape", {"target_shape": [5]}, [(4,)], None),
    ("keras", "RepeatVector", {"n": 0}, [(2,)], None),
    ("keras", "RepeatVector", {"n": 2}, [(2, 2)], None),
    ("keras", "Permute", {"dims": [1, 1]}, [(4, 3)], None),
    ("keras", "Permute", {"dims": [0, 1]}, [(4, 3)], None),
    ("ops", "Reshape", {"newshape": [-1]}, [(4,)], None),
    ("ops", "Squeeze", {"axis": 1}, [(4,)], None),
    ("ops", "ExpandDims", {"axis": 7}, [(4,)], None),
    ("ops", "Transpose", {"axes": [0, 0, 2]}, [(4, 3)], None),
    ("ops", "Moveaxis", {"source": [1, 1], "destination": [1, 2]}, [(4, 3)], None),
    ("ops", "Moveaxis", {"source": 1, "destination": [1, 2]}, [(4, 3)], None),
    ("ops", "Add", {}, [(4,)], [X]),
    ("ops", "Add", {}, [(4,), (3,)], [X, Y]),
    ("ops", "Select", {}, [(4,)], [[X], [X, X], 0]),
    ("ops", "Select", {}, [(4,)], [X, X, 0]),
    ("ops", "Clip", {"x_min": "a", "x_max": 1}, [(4,)], [X]),
    ("ops", "Argmax", {"axis": [1, 2]}, [(4, 3)], [X]),
    ("ops", "Diff", {"n": 4, "axis": 1}, [(4,)], [X]),
    ("ops", "TopK", {"k": 5}, [(4,)], [X]),
    ("ops", "Trace", {"offset": 4, "axis1": 1, "axis2": 2}, [(4, 4)], [X]),
    ("ops", "Trace", {"offset": True, "axis1": 1, "axis2": 2}, [(4, 4)], [X]),
    ("ops", "Trace", {"offset": 0, "axis1": 1, "axis2": 1}, [(4, 4)], [X]),
    ("ops", "Flip", {"axis": "x"}, [(4,)], [X]),
    ("ops", "Flip", {}, [(4,)], [X]),
    ("ops", "Flip", {"axis": 2}, [(4,)], [X]),
    ("ops", "Repeat", {"repeats": -1, "axis": 1}, [(4,)], [X]),
    ("ops", "Repeat", {"repeats": 0, "axis": 1}, [(4,)], [X]),
    ("ops", "Repeat", {"repeats": [1, 2], "axis": 1}, [(4,)], [X]),
    ("ops", "Split", {"indices_or_sections": 0, "axis": 1}, [(4,)], [X]),
    ("ops", "Split", {"indices_or_sections": 3, "axis": 1}, [(4,)], [X]),
    ("ops", "Split", {"indices_or_sections": [4], "axis": 1}, [(4,)], [X]),
    ("ops", "Unstack", {"num": 3, "axis": 1}, [(4,)], [X]),
    ("ops", "Take", {"axis": 1}, [(4,)], [X, 4]),
    ("ops", "Take", {"axis": 1}, [(4,)], [X, [0.5]]),
    ("ops", "Take", {"axis": 1}, [(4,)], [X, []]),
    ("ops", "Take", {"axis": 1}, [(4,)], [X, [[0], [0, 1]]]),
    ("ops", "Take", {"axis": 1}, [(4,)], [X, ["a"]]),
    ("ops", "Pad", {"pad_width": [[0, 0], [-1, 0]]}, [(4,)], [X]),
    ("ops", "Pad", {"pad_width": [1, 2, 3]}, [(4,)], [X]),
    ("ops", "Matmul", {}, [(4,)], [X, 2.0]),
    ("ops", "Matmul", {}, [(4,)], [X, constant(3, 2)]),
    ("ops", "Tensordot", {"axes": [[1], [0, 1]]}, [(4,)], [X, constant(4, 4)]),
    ("ops", "Tensordot", {"axes": "all"}, [(4,)], [X, constant(4)]),
    ("ops", "Tensordot", {"axes": [[5], [0]]}, [(4,)], [X, constant(4)]),
    ("ops", "Einsum", {"subscripts": "bi,ij"}, [(4,)], [X]),
]


@pytest.mark.parametrize(
    ("package", "name", "options", "shapes", "arguments"),
    BAD,
    ids=[f"{package}-{name}-{n}" for n, (package, name, *_) in enumerate(BAD)],
)
def test_nonsense_is_a_bad_file(package, name, options, shapes, arguments):
    """Catches nonsense that would raise something else later, or pass."""
    with pytest.raises(BadModelFile) as caught:
        plan(package, name, options, shapes, arguments)
    assert str(caught.value).startswith(f"l ({name}) in f: ")


HUGE = [
    ("keras", "RepeatVector", {"n": 2**40}, [(2,)], None),
    ("ops", "Tile", {"repeats": [1, 2**40]}, [(4,)], [X]),
    ("ops", "Repeat", {"repeats": 2**40, "axis": 1}, [(4,)], [X]),
    ("ops", "Pad", {"pad_width": [[0, 0], [0, 2**40]]}, [(4,)], [X]),
    ("ops", "Pad", {"pad_width": 2**40}, [(4,)], [X]),
    ("ops", "Take", {"axis": 1}, [(1, 2**19)], [X, [0, 0, 0]]),
    ("ops", "Stack", {"axis": 1}, [(2**19,)] * 3, None),
]


@pytest.mark.parametrize(("package", "name", "options", "shapes", "arguments"), HUGE)
def test_sizes_beyond_any_circuit_are_refused(package, name, options, shapes, arguments):
    """Catches an allocation before the check."""
    with pytest.raises(TooLarge):
        plan(package, name, options, shapes, arguments)


@pytest.mark.parametrize("name", ["QDot", "Dot"])
def test_a_normalized_dot_is_refused(name):
    """Catches an option that would be ignored."""
    with pytest.raises(UnsupportedLayer) as caught:
        plan("hgq" if name[0] == "Q" else "keras", name, {"normalize": True}, [(4,), (4,)])
    assert str(caught.value) == (
        f"l ({name}) in f: with normalize it divides by the length of its inputs, which has no "
        "exact form. Normalize before training, or train without it."
    )


def test_weights_of_an_average_are_refused():
    """Catches an argument that would be ignored."""
    with pytest.raises(UnsupportedLayer, match="called with more than its inputs"):
        plan("ops", "Average", {"axis": 1}, [(4,)], [X, constant(4)])
