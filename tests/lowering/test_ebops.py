"""EBOPs by hand, in HGQ2's way of counting: what its training showed, the report must show."""

from __future__ import annotations

import numpy as np
import pytest

from hgq2rtl.frontends import Call, Layer, LayerGraph, Port, Quantizer
from hgq2rtl.frontends.windows import Window
from hgq2rtl.lowering.ebops import bits, ebops, stored_ebops

from .graphs import graph_of, quantizer


def of_bits(count: object, overflow: str = "WRAP") -> Quantizer:
    """`count` magnitude bits, and under SAT one of them the sign."""
    count = np.asarray(count)
    return quantizer(1, count - (overflow == "SAT"), 0, overflow=overflow)


def only(layer: Layer, *shapes: tuple[int, ...]) -> float:
    (count,) = ebops(graph_of([layer], *shapes))
    return count


def dense(**changed: object) -> Layer:
    quantizers = {
        "input": (of_bits([7, 8, 9]),),
        "kernel": (of_bits(4),),
        "bias": (of_bits(8),),
        **changed,
    }
    arrays = {"kernel": np.ones((3, 2)), "bias": np.ones(2)}
    return Layer("d", "QDense", {}, arrays, {k: v for k, v in quantizers.items() if v})


def test_a_dense_layer_by_hand():
    """Six products of 7, 8 and 9 by 4 bits, and two additions of a bias of 8 bits."""
    assert only(dense(), (3,)) == 2 * (7 + 8 + 9) * 4 + 2 * 8 == 208


def test_a_dense_layer_counts_for_each_position():
    assert only(dense(), (5, 3)) == 5 * 208


def test_a_bias_without_a_quantizer_counts_nothing():
    assert only(dense(bias=()), (3,)) == 192


def test_products_without_widths_count_nothing():
    """Nobody quantizes the input, so nothing says how wide the factors are."""
    assert only(dense(input=()), (3,)) == 0


def test_every_weight_counts_with_its_own_bits():
    """Pruned weights have none."""
    kernel = of_bits([[1, 0], [0, 2], [3, -1]])
    assert only(dense(kernel=(kernel,), bias=()), (3,)) == 7 * 1 + 8 * 2 + 9 * 3


def test_the_sign_counts_only_under_sat():
    assert bits(quantizer(1, 2, 1), (2,)).tolist() == [3.0, 3.0]
    assert bits(quantizer(1, 2, 1, overflow="SAT"), ()) == 4.0
    assert bits(quantizer(0, 2, 1, overflow="SAT"), ()) == 3.0
    assert bits(quantizer(1, 2, 1, overflow="SAT_SYM"), ()) == 3.0
    assert bits(quantizer(1, -3, 1), ()) == 0.0
    assert only(dense(input=(of_bits([7, 8, 9], "SAT"),)), (3,)) == 208


@pytest.mark.parametrize("class_name", ["QEinsumDense", "QEinsumDenseBatchnorm"])
def test_an_einsum_layer_by_hand(class_name):
    """``abc,cd->abd`` over two positions: the products of a dense layer, twice."""
    quantizers = {"input": (of_bits([[7, 8, 9], [1, 1, 1]]),), "kernel": (of_bits(4),)}
    config = {"equation": "abc,cd->abd"}
    layer = Layer("e", class_name, config, {"kernel": np.ones((3, 2))}, quantizers)
    assert only(layer, (2, 3)) == 2 * (24 + 3) * 4


def test_a_batch_normalization_by_hand():
    """A product of each element with its channel's scale, and an addition of 5 bits each."""
    quantizers = {
        "input": (of_bits([[3], [4]]),),
        "kernel": (of_bits([2, 6]),),
        "bias": (of_bits(5),),
    }
    arrays = {"moving_mean": np.zeros(2), "beta": np.zeros(2)}
    layer = Layer("n", "QBatchNormalization", {"axis": 0}, arrays, quantizers)
    assert only(layer, (2, 3)) == 3 * (3 * 2 + 4 * 6) + 6 * 5


def test_an_addition_by_hand():
    """All bits of the terms but the fewest, at 0.65 each: two of 4 and 6 bits, three wide."""
    layer = Layer("a", "QAdd", {}, {}, {"input": (of_bits(4), of_bits([6, 6, 3]))})
    assert only(layer, (3,), (3,)) == pytest.approx(0.65 * (6 + 6 + 4))


@pytest.mark.parametrize(
    ("class_name", "config", "count"),
    [
        ("QAveragePow2", {}, 0.65 * (6 + 6 + 4)),
        ("QMaximum", {}, 6 + 6 + 4),
        ("QMinimum", {}, 6 + 6 + 4),
        ("QSubtract", {}, 6 + 6 + 4),
        ("QMultiply", {}, 4 * (6 + 6 + 3)),
        ("QDot", {"equation": "a,a->"}, 4 * (6 + 6 + 3)),
        ("QEinsum", {"equation": "a,b->ab"}, 3 * 4 * (6 + 6 + 3)),
    ],
)
def test_merges_by_hand(class_name, config, count):
    """Terms of 4 bits, and of 6, 6 and 3 bits."""
    layer = Layer("m", class_name, config, {}, {"input": (of_bits(4), of_bits([6, 6, 3]))})
    assert only(layer, (3,), (3,)) == pytest.approx(count)


@pytest.mark.parametrize("class_name", ["QSum", "QMeanPow2"])
def test_a_sum_by_hand(class_name):
    """Of each column all bits but the fewest."""
    given = {"input": (of_bits([[4, 2], [5, 6], [3, 3]]),)}
    layer = Layer("s", class_name, {"axes": (0,)}, {}, given)
    assert only(layer, (3, 2)) == pytest.approx(0.65 * (4 + 5 + 6 + 3))


@pytest.mark.parametrize("class_name", ["ReLU", "Flatten", "Quantizer", "Identity"])
def test_layers_without_products_count_nothing(class_name):
    layer = Layer("l", class_name, {}, {}, {"input": (of_bits(4),)})
    assert only(layer, (3,)) == 0


def test_a_shared_layer_counts_at_each_call_and_is_stored_once():
    layer = dense()
    layer = Layer("d", "QDense", {"stored_ebops": 200}, layer.arrays, layer.quantizers)
    other = Layer("o", "QDense", {"stored_ebops": None}, layer.arrays, layer.quantizers)
    graph = LayerGraph(
        name="net",
        source="net.keras",
        origin="a test",
        inputs=[Port("x", 0)],
        calls=[Call(layer, (0,), (1,)), Call(layer, (0,), (2,)), Call(other, (0,), (3,))],
        outputs=[Port("y", 1)],
        shapes=[(3,), (2,), (2,), (2,)],
    )
    assert ebops(graph) == [208.0] * 3
    assert stored_ebops(graph) == 200


def convolution(**config: object) -> Layer:
    """Two taps of 4 bits in each of two groups, and a bias of 8 bits."""
    config = {"windows": (Window(2),), "groups": 2, "causal": 0, **config}
    quantizers = {
        "input": (of_bits([[7, 9]]),),
        "kernel": (of_bits([[[4, 1]], [[4, 0]]]),),
        "bias": (of_bits(8),),
    }
    arrays = {"kernel": np.ones((2, 1, 2)), "bias": np.ones(2)}
    return Layer("c", "QConv1D", {"data_format": "channels_last", **config}, arrays, quantizers)


def test_a_convolution_by_hand():
    """Channel 0 makes filter 0, channel 1 filter 1; a bias counts for each place of the input."""
    assert only(convolution(), (3, 2)) == 2 * (7 * (4 + 4) + 9 * (1 + 0)) + 8 * 3 * 2


def test_padding_multiplies_nothing():
    """Zeros in front, or around, have no bits: three places look at it once."""
    inside = 7 * 4 * 5 + 9 * 1 * 2
    assert only(convolution(causal=1), (3, 2)) == inside + 8 * 3 * 2
    assert only(convolution(windows=(Window(2, before=1),)), (3, 2)) == inside + 8 * 3 * 2


@pytest.mark.parametrize("name", ["QMaxPooling1D", "QGlobalAveragePooling1D"])
def test_a_pooling_counts_the_bits_that_come_in(name):
    layer = Layer("p", name, {}, {}, {"input": (of_bits([[7, 9]]),)})
    assert only(layer, (3, 2)) == 3 * (7 + 9)
