"""Recurrences: what is refused, how long they may be, and what they cost."""

from __future__ import annotations

import time

import numpy as np
import pytest

from hgq2rtl.errors import NeedsInputFormat, UnsupportedLayer
from hgq2rtl.frontends import Layer
from hgq2rtl.lowering import lower
from hgq2rtl.lowering.ebops import ebops

from .graphs import graph_of, lowered, quantizer

WALK = {
    "return_sequences": False,
    "return_state": False,
    "go_backwards": False,
    "unroll": False,
    "zero_output_for_mask": False,
}


def recurrent(class_name: str, cell: Layer, **options: bool) -> Layer:
    return Layer("r", class_name, {**WALK, **options}, parts={"cell": cell})


def simple_cell(units: int = 2, activation: str = "linear", **quantizers: object) -> Layer:
    arrays = {"kernel": np.ones((3, units)), "recurrent_kernel": np.full((units, units), 0.75)}
    config = {"units": units, "activation": activation}
    kept = {place: (q,) for place, q in quantizers.items()}
    return Layer("cell", "QSimpleRNNCell", config, arrays, kept)


def spiking_cell(threshold: float, leak: float, **quantizers: object) -> Layer:
    arrays = {
        "threshold": np.array(threshold),
        "beta": np.array(leak),
        "graded_spikes_factor": np.array(1.0),
    }
    config = {"units": 3, "reset_mechanism": "subtract", "inhibition": False}
    kept = {place: (q,) for place, q in quantizers.items()}
    return Layer("cell", "QLIFCell", config, arrays, kept)


# -- refusals --------------------------------------------------------------------


def test_a_state_that_nothing_bounds_is_refused_where_it_grows_too_wide():
    """Catches a recurrence whose adders would grow with the sequence."""
    layer = recurrent("SimpleRNN", simple_cell())
    lowered(graph_of([layer], (5, 3)))
    with pytest.raises(UnsupportedLayer) as error:
        lowered(graph_of([layer], (100, 3)))
    assert str(error.value) == (
        "r (SimpleRNN) in net.keras: its state has no quantizer and grows in every step; after "
        "step 23 it has 65 bits, and the limit is 64. Use a layer of hgq2 whose state is "
        "quantized (enable_sq), or fewer steps."
    )


def test_a_membrane_without_a_quantizer_grows_too():
    layer = recurrent("QLIF", spiking_cell(threshold=1.0, leak=0.75))
    with pytest.raises(UnsupportedLayer, match="its state has no quantizer"):
        lowered(graph_of([layer], (100, 3)))
    bounded = spiking_cell(threshold=1.0, leak=0.75, state=quantizer(i=3, f=2))
    lowered(graph_of([recurrent("QLIF", bounded)], (100, 3)))


def test_an_activation_without_an_exact_value_needs_a_quantizer_behind_it():
    """A state quantizer is one: then the activation is a table."""
    layer = recurrent("QSimpleRNN", simple_cell(activation="tanh", candidate=quantizer()))
    with pytest.raises(UnsupportedLayer) as error:
        lowered(graph_of([layer], (2, 3)))
    assert str(error.value) == (
        "r (QSimpleRNN) in net.keras: activation 'tanh' has no exact value, and no quantizer "
        "stands between it and the next step. Use linear, which the layer's own quantizer makes "
        "a hard tanh, or relu."
    )
    quantizers = {"candidate": quantizer(), "state": quantizer(i=1, f=3)}
    cell = simple_cell(activation="tanh", **quantizers)
    behind = Layer("q", "Quantizer", quantizers={"input": (quantizer(),)})
    program = lowered(graph_of([recurrent("RNN", cell), behind], (2, 3)))
    assert len(program.tables) > 0


def test_a_first_state_without_a_format_is_refused():
    """Catches a state of the outside world that enters the arithmetic raw."""
    layer = recurrent("QSimpleRNN", simple_cell(input=quantizer(), candidate=quantizer()))
    graph = graph_of([layer], (2, 3), (2,), arguments={"operands": (0, 1)})
    with pytest.raises(NeedsInputFormat, match="a model input that nothing quantizes"):
        lower(graph)


# -- length ----------------------------------------------------------------------


def test_a_long_sequence_takes_time_in_proportion():
    """Catches recursion over the steps, and work that grows with their square."""
    quantizers = {"input": quantizer(), "candidate": quantizer(i=0, f=3, overflow="SAT")}
    layer = recurrent("QSimpleRNN", simple_cell(units=4, **quantizers))
    seconds = {}
    for steps in (300, 1200):
        start = time.process_time()
        program = lowered(graph_of([layer], (steps, 3)))
        seconds[steps] = time.process_time() - start
        assert len(program) > 12 * steps
    assert seconds[1200] < 12 * seconds[300] + 1


# -- EBOPs -----------------------------------------------------------------------


def of_bits(count: int) -> object:
    return quantizer(1, count, 0)


def test_ebops_of_a_simple_cell_by_hand():
    """Six products of 3 by 4 bits, four of 5 by 2 bits, in each of 7 steps."""
    places = {"input": 3, "kernel": 4, "candidate": 5, "recurrent_kernel": 2}
    cell = simple_cell(**{place: of_bits(count) for place, count in places.items()})
    assert ebops(graph_of([recurrent("QSimpleRNN", cell)], (7, 3))) == [7 * (72 + 40)]
    wrapped = Layer("b", "Bidirectional", parts={"forward": recurrent("RNN", cell)})
    assert ebops(graph_of([wrapped], (7, 3))) == [7 * (72 + 40)]


@pytest.mark.parametrize(
    ("reset_after", "more"), [(True, 12 * 8 * 6), (False, 8 * 8 * 6 + 4 * 7 * 6)]
)
def test_ebops_of_a_gated_cell_by_hand(reset_after, more):
    """Input 3 bits, weights 4 and 6, gates 5, state 8, candidate 9, reset state 7; two units."""
    arrays = {
        "kernel": np.ones((3, 6)),
        "recurrent_kernel": np.ones((2, 6)),
        "bias": np.ones((2, 6) if reset_after else 6),
    }
    places = {
        "input": 3,
        "kernel": 4,
        "recurrent_kernel": 6,
        "bias": 1,
        "gates": 5,
        "state": 8,
        "candidate": 9,
        "reset_state": 7,
    }
    config = {"units": 2, "reset_after": reset_after}
    quantizers = {place: (of_bits(count),) for place, count in places.items()}
    cell = Layer("cell", "QGRUCell", config, arrays, quantizers)
    products = 18 * 3 * 4 + 2 * 5 * (9 + 8) + 2 * 5 * (7 if reset_after else 8)
    biases = 12 if reset_after else 6
    (count,) = ebops(graph_of([recurrent("QGRU", cell)], (1, 3)))
    assert count == products + more + biases


def test_ebops_of_neurons_by_hand():
    """Three neurons: an adder of 4 bits, a leak of 4 by 2, a comparison and a reset of 4 bits."""
    cell = spiking_cell(
        1.0,
        0.5,
        **{
            "input": of_bits(3),
            "state": of_bits(4),
            "beta": of_bits(2),
            "graded_spikes_factor": of_bits(1),
        },
    )
    (count,) = ebops(graph_of([recurrent("QLIF", cell)], (2, 3)))
    assert count == pytest.approx(2 * 3 * (0.65 * 4 + 4 * 2 + 0.65 * 4 + 1 + 0.65 * 4))


def test_ebops_of_a_layer_on_each_step():
    inside = Layer(
        "d",
        "QDense",
        {},
        {"kernel": np.ones((3, 2))},
        {"input": (of_bits(3),), "kernel": (of_bits(4),)},
    )
    layer = Layer("t", "TimeDistributed", parts={"layer": inside})
    assert ebops(graph_of([layer], (5, 3))) == [5 * 6 * 12]
