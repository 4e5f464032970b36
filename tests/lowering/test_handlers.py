"""The contract of handlers: to be registered is to be tested.

Each case (:mod:`.cases`) runs as lowered, and again after all passes.
"""

from __future__ import annotations

import numpy as np
import pytest

from hgq2rtl.errors import BadModelFile, NotExact, UnsupportedLayer
from hgq2rtl.frontends import Layer
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.lowering import HANDLERS, FormatWish
from hgq2rtl.passes import run_passes

from .cases import CASES
from .graphs import PORT, graph_of, inputs_of, lowered

WHOLE = FormatWish(PORT.k, PORT.i + PORT.f, 0)
"""The port's numbers without their fraction bits."""


@pytest.mark.parametrize("class_name", HANDLERS)
def test_a_handler_computes_what_its_layer_means(class_name):
    """Catches a handler without a case, and an option or shape that it gets wrong."""
    assert CASES.get(class_name), f"{class_name} has no cases in tests/lowering/cases"
    for number, case in enumerate(CASES[class_name]):
        layer = Layer("layer", class_name, case.config, case.arrays, case.quantizers, case.parts)
        graph = graph_of([layer], *case.shapes, arguments=case.arguments, outputs=case.outputs)
        inputs = inputs_of(*case.shapes, seed=number)
        if case.is_whole:
            program = lowered(graph, input_formats={p.name: WHOLE for p in graph.inputs})
            inputs = [np.ldexp(x, PORT.f) for x in inputs]
        else:
            program = lowered(graph)
        meant = case.meaning(*inputs)
        for made in (program, run_passes(program)):
            results = Interpreter(made).predict(inputs)
            for got, wanted in zip(results, meant if case.outputs > 1 else [meant], strict=True):
                assert got.shape == wanted.shape, number
                assert np.array_equal(got, wanted), (class_name, number)


def test_there_are_no_cases_for_what_is_not_registered():
    """Catches a handler that was lost."""
    assert set(CASES) == set(HANDLERS)


# -- refusals --------------------------------------------------------------------


@pytest.mark.parametrize("class_name", ["Dense", "Activation", "QAdd"])
def test_an_activation_without_an_exact_value_needs_a_quantizer(class_name):
    """Catches an activation that is dropped, or rounded to floats."""
    layer = Layer("l", class_name, {"activation": "gelu"}, {"kernel": np.ones((2, 2))})
    with pytest.raises(NotExact) as error:
        lowered(graph_of([layer], (2,)))
    assert str(error.value) == (
        "net.keras: output 'out' needs the exact value of a function that has none. Put a "
        "quantizer behind the function (a QUnaryFunctionLUT, or a Quantizer): it becomes a table."
    )


@pytest.mark.parametrize("equation", ["ab,abc->ac", "ab,bc->ca", "ab,bc->c"])
def test_an_equation_that_mixes_samples_is_refused(equation):
    """Catches a kernel that would reach over the batch."""
    layer = Layer("e", "QEinsumDense", {"equation": equation}, {"kernel": np.ones((2, 2))})
    with pytest.raises(UnsupportedLayer) as error:
        lowered(graph_of([layer], (2,)))
    assert str(error.value) == (
        f"e (QEinsumDense) in net.keras: equation {equation!r} mixes the batch axis. "
        "Keep the batch first, in data and result only."
    )


@pytest.mark.parametrize("class_name", ["QBatchNormalization", "QEinsumDenseBatchnorm"])
def test_a_negative_variance_is_refused(class_name):
    """Catches a NaN scale."""
    config = {"equation": "ab,bc->ac", "bias_axes": "c", "axis": -1, "epsilon": 1e-3}
    arrays = {
        "kernel": np.ones((2, 2)),
        "moving_mean": np.zeros(2),
        "moving_variance": np.array([1.0, -1.0]),
    }
    with pytest.raises(BadModelFile) as error:
        lowered(graph_of([Layer("n", class_name, config, arrays)], (2,)))
    assert str(error.value) == (
        f"n ({class_name}) in net.keras: a moving variance is negative, so the scale is no "
        "number. The file is damaged or training diverged."
    )


def test_a_normalization_over_data_axes_cannot_be_folded():
    """Catches a scale that would be folded into the wrong axis of the kernel."""
    config = {"equation": "abc,cd->abd", "bias_axes": "bd"}
    arrays = {
        "kernel": np.ones((2, 2)),
        "moving_mean": np.zeros((3, 2)),
        "moving_variance": np.ones((3, 2)),
    }
    layer = Layer("n", "QEinsumDenseBatchnorm", config, arrays)
    with pytest.raises(UnsupportedLayer) as error:
        lowered(graph_of([layer], (3, 2)))
    assert str(error.value) == (
        "n (QEinsumDenseBatchnorm) in net.keras: batch normalization over an axis that the kernel "
        "lacks ('bc,cd->bd', axes 'bd') cannot be folded."
    )
