"""Small networks, one feature each: the interpreter gives what Keras gave, on all samples."""

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl.errors import UnsupportedLayer
from hgq2rtl.frontends import read
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.lowering import lower
from hgq2rtl.passes import run_passes

from .trained import ZOO, as_list, index, needs_models, zoo_inputs_and_outputs

pytestmark = needs_models

ROWS = {row["name"]: row for row in index(ZOO) if not row["name"].startswith("v1_")}

PROMISED = set(
    """
    InputLayer Functional Sequential QDense QEinsumDense QEinsumDenseBatchnorm QBatchNormalization
    Quantizer ReLU Activation Flatten Reshape Permute Concatenate GetItem QAdd Dropout
    GaussianNoise
    """.split()
)
"""Classes that are read: those of the first issue, and noise, which inference skips."""

OPTIONS_REFUSED: dict[str, str] = {}
"""Cases of promised classes with an option that has no hardware form here."""


def is_promised(row):
    return {*row["layers"], *row["operations"]} <= PROMISED


def interpreter(name):
    """Without Verilog: a hundredth of the time."""
    return Interpreter(run_passes(lower(read(ZOO / f"{name}.keras"))))


@pytest.mark.parametrize("name", ROWS)
def test_every_sample_is_exact(name):
    try:
        evaluate = interpreter(name)
    except UnsupportedLayer as refusal:
        assert not is_promised(ROWS[name]), refusal
        assert f"in {name}.keras: " in str(refusal)
        pytest.skip(str(refusal))
    x, y = zoo_inputs_and_outputs(name)
    got = evaluate.predict(x)
    assert len(got) == len(y)
    for mine, keras in zip(got, y, strict=True):
        assert mine.shape == keras.shape
        assert np.array_equal(mine, keras)


def test_all_promised_classes_occur():
    """Otherwise a promise above would be empty."""
    seen = {name for row in ROWS.values() for name in (*row["layers"], *row["operations"])}
    assert seen >= PROMISED - {"Sequential"}
    assert sum(map(is_promised, ROWS.values())) >= 40


VERILATED = [
    "graph_multi_io",
    "quant_kif_sat_sym",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in (
            "add3",
            "batchnorm",
            "dense_relu",
            "dense_oq_tensor",
            "dense_untraced",
            "einsum_dense_batched",
            "einsum_dense_bn_axes",
            "einsum_dense_transposing",
            "glue_reshape",
            "glue_slice",
            "graph_branch_iq",
            "graph_nested",
            "graph_residual",
            "hard_sigmoid",
            "mlp_deep",
            "mlp_sequential",
            "quant_kbi_wrap",
            "quant_scaler",
            "quant_wrap_sm",
            "quant_wrap_sm_unsigned",
        )
    ),
]


@pytest.mark.parametrize("name", VERILATED)
def test_the_verilog_is_exact_too(name):
    x, y = zoo_inputs_and_outputs(name)
    design = hgq2rtl.compile(ZOO / f"{name}.keras", clock_ns=2)
    for mine, keras in zip(as_list(design.simulate(x)), y, strict=True):
        assert np.array_equal(mine, keras)
    assert design.check(samples=5000).mismatches == 0
