"""Whole graphs: ports from quantizers or wishes, and refusals that name the layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hgq2rtl.errors import BadModelFile, NeedsInputFormat, NotExact, UnsupportedLayer
from hgq2rtl.fixed import Format, quantize_float
from hgq2rtl.frontends import Call, Layer, LayerGraph, Port
from hgq2rtl.ir import Field, verify
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.ir.operations import input_, quantize_
from hgq2rtl.lowering import FormatWish, lower

from .graphs import graph_of, inputs_of, lowered, predicted, quantizer

FLOATS = np.array([[0.3, -5.0], [7.9, 0.125], [-0.25, 100.0], [0.0, -0.3]])


def quantizing(*quantizers, name="q") -> Layer:
    return Layer(name, "Quantizer", quantizers={"input": quantizers})


# -- input ports -------------------------------------------------------------


def test_the_first_quantizers_are_the_ports_formats():
    """The quantizer is part of the port: catches hardware for it, or another element's format."""
    q = quantizer(k=[1, 0], i=[2, 3], f=[1, -1], rounding="RND_CONV", overflow="SAT")
    program = verify(lower(graph_of([quantizing(q)], (2,))))
    (port,) = program.inputs
    assert (port.name, port.shape) == ("in0", (2,))
    assert port.fields == (
        Field(0, Format.from_kif(1, 2, 1), "RND_CONV", "SAT"),
        Field(1, Format.from_kif(0, 3, -1), "RND_CONV", "SAT"),
    )
    assert not len(program.values_of(quantize_))
    wanted = quantize_float(FLOATS, q.k, q.i, q.f, "RND_CONV", "SAT") * np.array([0.5, 2.0])
    assert predicted(program, FLOATS).tolist() == wanted.tolist()


def test_an_input_that_is_read_in_two_formats_has_a_field_for_each():
    """Catches one reader that gets the other's bits, and equal formats that stay two."""
    fine, coarse = quantizer(f=2), quantizer(f=0, overflow="SAT")
    calls = [
        Call(quantizing(fine, name="a"), (0,), (1,)),
        Call(quantizing(coarse, name="b"), (0,), (2,)),
        Call(quantizing(fine, name="c"), (0,), (3,)),
        Call(Layer("sum", "QAdd"), (1, 2, 3), (4,)),
    ]
    graph = LayerGraph(
        "net", "net.keras", "", [Port("x", 0)], calls, [Port("y", 4)], [(1,), (), (), (), ()]
    )
    program = verify(lower(graph))
    assert [f.format.f for f in program.inputs[0].fields] == [2, 0]
    assert [f.element for f in program.inputs[0].fields] == [0, 0]
    x = np.array([[0.3], [-3.2], [9.0]])
    a = quantize_float(x, fine.k, fine.i, fine.f, "RND", "WRAP") / 4
    b = quantize_float(x, coarse.k, coarse.i, coarse.f, "RND", "SAT")
    assert predicted(program, x).tolist() == (2 * a + b).tolist()


def test_a_pruned_input_keeps_its_field_and_has_no_wire():
    """Catches a port whose elements move when one of them has no bits."""
    q = quantizer(k=[0, 1], i=[-1, 2], f=[1, 1])
    program = verify(lower(graph_of([quantizing(q)], (2,))))
    assert [f.format.width for f in program.inputs[0].fields] == [0, 4]
    assert len(program.values_of(input_)) == 1
    assert predicted(program, FLOATS)[:, 0].tolist() == [0.0] * 4


def test_a_scaler_of_an_input_belongs_to_the_port():
    """Catches a division in hardware: the port may divide by any number."""
    q = quantizer(i=4, scaler=3.0)
    program = verify(lower(graph_of([quantizing(q)], (2,))))
    assert [f.scaler for f in program.inputs[0].fields] == [3.0, 3.0]
    wanted = 3 * quantize_float(np.float32(FLOATS) / np.float32(3), q.k, q.i, q.f, "RND", "WRAP")
    assert predicted(program, FLOATS).tolist() == (wanted / 2).tolist()


def test_an_unsigned_triangle_keeps_its_sign():
    """``WRAP_SM`` gives negative numbers even without a sign bit: catches a port without them."""
    q = quantizer(k=0, i=2, f=0, overflow="WRAP_SM")
    program = verify(lower(graph_of([quantizing(q)], (2,))))
    field = program.inputs[0].fields[0]
    assert field.format == Format(-4, 3) and field.keeps_negative is False
    x = np.array([[-1.0, 5.0], [-9.0, 2.0]])
    wanted = quantize_float(x, q.k, q.i, q.f, "RND", "WRAP_SM")
    assert predicted(program, x).tolist() == wanted.tolist()


@pytest.mark.parametrize("overflow", ["SAT_SYM", "SAT", "WRAP"])
def test_a_port_holds_whatever_its_bits_hold(overflow):
    """The outside world may drive any pattern: catches sums that rely on a quantizer there."""
    q = quantizer(k=1, i=2, f=0, overflow=overflow)
    program = verify(lower(graph_of([quantizing(q)], (1,))))
    assert program.inputs[0].fields[0].format == Format(-4, 3)


def test_a_wish_fixes_the_port_and_quantizers_become_hardware():
    """Catches a quantizer that is lost because the port has a format already."""
    q = quantizer(k=1, i=1, f=0, rounding="RND", overflow="SAT")
    program = verify(lower(graph_of([quantizing(q)], (2,)), {"in0": FormatWish(1, 4, 3)}))
    assert program.inputs[0].fields == tuple(Field(n, Format.from_kif(1, 4, 3)) for n in range(2))
    assert len(program.values_of(quantize_)) == 2
    x = np.array([[1.5, -16.0], [0.375, 2.625]])
    wanted = quantize_float(x, q.k, q.i, q.f, "RND", "SAT")
    assert predicted(program, x).tolist() == wanted.tolist()


def test_inputs_are_told_apart():
    """Catches elements of the second input that are counted as the first's."""
    a, b = quantizer(f=1), quantizer(f=3)
    graph = graph_of([Layer("sum", "QAdd", quantizers={"input": (a, b)})], (2,), (2,))
    program = verify(lower(graph))
    assert [[f.format.f for f in port.fields] for port in program.inputs] == [[1, 1], [3, 3]]
    x, y = np.array([[0.5, 1.0]]), np.array([[0.125, -1.0]])
    assert predicted(program, x, y).tolist() == [[0.625, 0.0]]


# -- output ports ------------------------------------------------------------


def test_an_output_keeps_its_accumulators_format():
    """Catches a port that cuts what no quantizer cuts."""
    layer = Layer("d", "QDense", {"activation": "linear"}, {"kernel": np.array([[3.0], [0.5]])})
    program = lowered(graph_of([layer], (2,)))
    (x,) = inputs_of((2,))
    assert predicted(program, x).tolist() == (x @ np.array([[3.0], [0.5]])).tolist()
    assert program.outputs[0].fields[0].format.f == 3


@pytest.mark.parametrize(
    ("wish", "meaning"),
    [
        (FormatWish(1, 1, 0), lambda x: (np.floor(x) + 2) % 4 - 2),
        (FormatWish(1, 1, 0, "RND", "SAT"), lambda x: np.clip(np.floor(x + 0.5), -2, 1)),
        (FormatWish(0, 4, 3), lambda x: x % 16),
    ],
)
def test_a_wish_quantizes_an_output(wish, meaning):
    """Catches rounding or overflow of the wish that is forgotten."""
    graph = graph_of([Layer("id", "Identity")], (3,))
    program = lowered(graph, output_formats={"out": wish})
    (x,) = inputs_of((3,))
    assert predicted(program, x).tolist() == meaning(x).tolist()


def test_outputs_have_names_and_shapes():
    """Catches outputs in another order, or flattened."""
    graph = graph_of([Layer("id", "Identity")], (2, 3))
    graph = replace(graph, outputs=[Port("b", 1), Port("a", 0)])
    program = lowered(graph)
    assert [(port.name, port.shape) for port in program.outputs] == [("b", (2, 3)), ("a", (2, 3))]


# -- names -------------------------------------------------------------------


def test_values_belong_to_their_layer():
    """Reports and Verilog names depend on it: catches values of the layer before or behind."""
    layers = [Layer("first", "ReLU"), Layer("second", "ReLU")]
    dense = Layer("d", "QDense", {}, {"kernel": np.array([[1.0, -1.0]])})
    program = lowered(graph_of([layers[0], dense, layers[1]], (1,)))
    names = [layer.name for layer in program.layers]
    assert names == ["inputs", "first", "d", "second", "outputs"]
    found = [(value.operation.name, names[value.provenance[0]]) for value in program]
    assert found == [
        ("input", "inputs"),
        ("relu", "first"),
        ("lincomb", "d"),
        ("relu", "second"),
        ("output", "outputs"),
        ("output", "outputs"),
    ]


# -- refusals ----------------------------------------------------------------


def test_arithmetic_on_a_raw_input_names_the_layer_and_the_option():
    """Catches a message from which nobody knows what to do."""
    with pytest.raises(NeedsInputFormat) as error:
        lower(graph_of([Layer("act", "ReLU")], (2,)))
    assert str(error.value) == (
        "act (ReLU) in net.keras needs the value of a model input that nothing quantizes. Give "
        "the input a format (--input-format k,i,f), or put a quantizer in front."
    )


def test_a_raw_output_names_the_port_and_the_option():
    """Catches a model of index maps alone that fails in the builder."""
    with pytest.raises(NeedsInputFormat) as error:
        lower(graph_of([Layer("f", "Flatten")], (2, 2)))
    assert str(error.value) == (
        "net.keras: output 'out' needs the value of a model input that nothing quantizes. Give "
        "the input a format (--input-format k,i,f), or put a quantizer in front."
    )


def test_a_layer_without_a_handler_is_named():
    """Catches a layer that is skipped."""
    with pytest.raises(UnsupportedLayer) as error:
        lowered(graph_of([Layer("net", "QTransformer")], (2,)))
    assert str(error.value) == (
        "net (QTransformer) in net.keras: this layer has no lowering. "
        "docs/layers.md lists those that have."
    )


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Layer("d", "QDense", {}, {"kernel": np.ones((3, 2)), "bias": np.ones((5,))}), (3,)),
        (Layer("d", "QDense", {}, {"kernel": np.ones((4, 2))}), (3,)),
        (Layer("d", "QDense", {}, {"kernel": np.ones((2, 2))}), (3,)),
        (Layer("r", "Reshape", {"target_shape": (5,)}), (3,)),
        (Layer("p", "Permute", {"axes": (0, 1)}), (3,)),
        (Layer("c", "Concatenate", {"axis": 4}), (3,)),
    ],
)
def test_shapes_that_do_not_fit_are_a_damaged_file(layer, shape):
    """Catches an error of NumPy that does not name the layer."""
    with pytest.raises(BadModelFile) as error:
        lowered(graph_of([layer], shape))
    place = f"{layer.name} ({layer.class_name}) in net.keras"
    assert str(error.value).startswith(f"{place}: shapes do not fit: ")


def test_errors_from_below_name_the_layer_once():
    """Catches a constant or a scaler that is refused without saying where."""
    layer = Layer("d", "QDense", {}, {"kernel": np.array([[np.nan]])})
    with pytest.raises(NotExact) as error:
        lowered(graph_of([layer], (1,)))
    assert str(error.value) == (
        "d (QDense) in net.keras: a constant is NaN or infinite: it has no exact form"
    )


@pytest.mark.parametrize(
    ("more", "weight"),
    [({"scaler": 2.0}, 3.0), ({"scaler": 3.0}, 3.0), ({"affine": (2.0, -0.25)}, 4.75)],
)
def test_a_weight_quantizer_may_scale(more, weight):
    """Catches a scale that is dropped: halves of 2.6 / scaler."""
    kernel = {"kernel": (quantizer(**more),)}
    layer = Layer("d", "QDense", {}, {"kernel": np.full((1, 1), 2.6)}, kernel)
    program = lowered(graph_of([layer], (1,)))
    (x,) = inputs_of((1,))
    assert np.array_equal(predicted(program, x), x * weight)


def test_a_weight_quantizer_on_data_is_refused():
    """It only rounds, so data would have no bounds."""
    with pytest.raises(UnsupportedLayer) as error:
        lowered(graph_of([quantizing(quantizer(overflow="NONE"))], (1,)))
    assert str(error.value) == (
        "q (Quantizer) in net.keras: its input quantizer is marked as one of weights "
        "(is_weight), which HGQ only rounds at inference, so data has no bounds. "
        "Use a data quantizer."
    )


def test_the_interpreter_takes_what_lowering_gives():
    """Catches a Program that only the tests' way of running it accepts."""
    program = lowered(graph_of([Layer("act", "ReLU")], (2,)))
    (result,) = Interpreter(program).predict([np.array([[1.5, -2.0]])])
    assert result.tolist() == [[1.5, 0.0]]
