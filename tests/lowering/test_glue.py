"""What merges and operations of Keras refuse while they are lowered."""

from __future__ import annotations

import numpy as np
import pytest

from hgq2rtl.errors import NotExact, UnsupportedLayer
from hgq2rtl.frontends import Call, Layer, LayerGraph, Port
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.lowering import FormatWish, lower

from .graphs import PORT, graph_of, lowered


def truth_and(class_name: str, config: dict) -> LayerGraph:
    """`class_name` of two truth values, whether inputs are positive."""
    zero = {"operands": (0, np.zeros(()))}
    greater = Layer("g", "Greater")
    return LayerGraph(
        name="net",
        source="net.keras",
        origin="a test",
        inputs=[Port("x", 0), Port("y", 1)],
        calls=[
            Call(greater, (0,), (2,), zero),
            Call(greater, (1,), (3,), zero),
            Call(Layer("l", class_name, config), (2, 3), (4,), {"operands": (0, 1)}),
        ],
        outputs=[Port("out", 4)],
        shapes=[(3,)] * 5,
    )


@pytest.mark.parametrize(
    ("class_name", "meaning"),
    [("Add", np.add), ("Multiply", np.multiply), ("Maximum", np.maximum), ("Minimum", np.minimum)],
)
def test_arithmetic_of_truth_values_is_numpys(class_name, meaning):
    """Catches a sum of two truth values that is 2."""
    x, y = np.array([[1.0, -1.0, 1.0]]), np.array([[1.0, 1.0, -1.0]])
    (got,) = Interpreter(lowered(truth_and(class_name, {}))).predict([x, y])
    assert np.array_equal(got, meaning(x > 0, y > 0))


def test_truth_values_have_no_difference():
    with pytest.raises(UnsupportedLayer) as error:
        lowered(truth_and("Subtract", {}))
    assert str(error.value) == (
        "l (Subtract) in net.keras: truth values have no difference. Cast them to float32 first, "
        "or use logical_xor."
    )


def test_truth_values_have_no_product():
    with pytest.raises(UnsupportedLayer) as error:
        lowered(truth_and("Einsum", {"equation": "a,b->ab"}))
    assert str(error.value) == (
        "l (Einsum) in net.keras: a product of truth values has no numbers to add. Cast them to "
        "float32 first."
    )


def test_bits_of_fractions_are_refused():
    layer = Layer("b", "BitwiseNot")
    with pytest.raises(UnsupportedLayer) as error:
        lowered(graph_of([layer], (2,), arguments={"operands": (0,)}))
    assert str(error.value) == (
        "b (BitwiseNot) in net.keras: ~ take integers, and element 0 has 2 fraction bits: use "
        "np.floor or quantize first"
    )


@pytest.mark.parametrize(
    ("class_name", "config", "arguments"),
    [
        ("Cast", {"dtype": "int32"}, {"operands": (0,)}),
        ("LeftShift", {}, {"operands": (0, np.array(4.0))}),
    ],
)
def test_integers_beyond_32_bits_are_refused(class_name, config, arguments):
    """Keras' integers would wrap: catches a number that differs silently."""
    shift = 4 if class_name == "LeftShift" else 0
    graph = graph_of([Layer("i", class_name, config)], (2,), arguments=arguments)
    lower(graph, {"in0": FormatWish(1, 31 - shift, 0)})
    with pytest.raises(UnsupportedLayer) as error:
        lower(graph, {"in0": FormatWish(1, 32 - shift, 0)})
    assert str(error.value) == (
        f"i ({class_name}) in net.keras: a number up to 4294967296 does not fit int32. Quantize "
        "to fewer bits first."
    )


def test_a_mean_of_three_at_an_output_names_the_file():
    graph = graph_of([Layer("m", "Mean", {"axis": (0,), "keepdims": False})], (3,))
    with pytest.raises(NotExact) as error:
        lower(graph, {"in0": PORT})
    assert str(error.value) == (
        "net.keras: output 'out' needs the exact value of a division by 3, which has no finite "
        "binary form. Put a quantizer behind the division, or divide by a power of two."
    )
