"""Small networks, one feature each: the interpreter gives what Keras gave, on all samples."""

import numpy as np
import pytest
from click.testing import CliRunner

import hgq2rtl
from hgq2rtl.cli import commands
from hgq2rtl.errors import UnsupportedLayer
from hgq2rtl.frontends import read
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.lowering import lower
from hgq2rtl.passes import run_passes

from .trained import ZOO, as_list, index, needs_models, zoo_inputs_and_outputs

pytestmark = needs_models

# Those of HGQ v1 are in test_hgq1.py.
ROWS = {row["name"]: row for row in index(ZOO) if not row["name"].startswith("v1_")}

FUNCTIONS = {"zoo>bump": lambda x: x / (1 + x * x)}
"""What the author of one case registered."""


def interpreter(name):
    """Without Verilog: a hundredth of the time."""
    lowered = lower(read(ZOO / f"{name}.keras"), functions=FUNCTIONS)
    return Interpreter(run_passes(lowered))


@pytest.mark.parametrize("name", ROWS)
def test_every_sample_is_exact(name):
    x, y = zoo_inputs_and_outputs(name)
    got = interpreter(name).predict(x)
    assert len(got) == len(y)
    for mine, keras in zip(got, y, strict=True):
        assert mine.shape == keras.shape
        assert np.array_equal(mine, keras)


def test_a_function_that_nobody_gave_is_refused_by_its_name():
    """Catches code that is imported on the file's word."""
    with pytest.raises(UnsupportedLayer) as error:
        lower(read(ZOO / "lut_custom.keras"))
    assert "zoo>bump" in str(error.value)
    assert "--functions FILE.py" in str(error.value)


def test_a_file_gives_that_function(tmp_path):
    """Catches an option that does not reach the table."""
    (tmp_path / "f.py").write_text("def bump(x):\n    return x / (1 + x * x)\n")
    model, folder = ZOO / "lut_custom.keras", tmp_path / "out"
    given = ["compile", str(model), "-o", str(folder), "--functions", str(tmp_path / "f.py")]
    done = CliRunner().invoke(commands, given)
    assert done.exit_code == 0, done.output
    x, y = zoo_inputs_and_outputs("lut_custom")
    assert np.array_equal(hgq2rtl.load(folder).predict(x[0]), y[0])


QUICK = "graph_multi_io quant_kif_sat_sym softmax_stable gru".split()
SLOW = """
    add3 average_pow2 avgpool1d_three avgpool2d_same batchnorm bn_dense conv1d_causal_dilated
    conv1d_groups conv2d_channels_first conv2d_same_strides conv3d conv_t1d conv_t2d_bn
    dense_bias_wraps dense_relu dense_oq_tensor dense_t_bn dense_t_gelu_fine dense_untraced dot
    einsum einsum_dense_batched einsum_dense_bn_axes einsum_dense_t einsum_dense_transposing
    global_avg1d_five global_max2d glue_merge_layers glue_ops_arith glue_ops_compare
    glue_ops_matmul glue_ops_reduce glue_ops_select glue_ops_stack glue_ops_take glue_pad_crop_up
    glue_relu_leaky glue_repeat_concat glue_reshape glue_slice graph_branch_iq graph_nested
    graph_residual graph_shared_layer gru_reset_before hard_sigmoid lif linformer linformer_t
    lut_affine_tanh lut_custom lut_gelu maximum maxpool2d_same mean_pow2 mha_cross_kv
    mha_fuse_qkv_causal mha_mask_scores mha_t minimum mlp_deep mlp_sequential multiply net_cnn
    quant_affine quant_kbi_wrap quant_scaler quant_wrap_sm quant_wrap_sm_unsigned salt simple_rnn
    simple_rnn_back simple_snn softmax_axes softmax_unstable subtract sum_axes
""".split()


def verilog_cases():
    for name in (*QUICK, *SLOW):
        for has_cells, word in ((True, "cells"), (False, "operators")):
            is_quick = name in QUICK and has_cells
            marks = [] if is_quick else [pytest.mark.slow]
            yield pytest.param(name, has_cells, id=f"{name}-{word}", marks=marks)


@pytest.mark.parametrize(("name", "has_cells"), verilog_cases())
def test_the_verilog_is_exact_too(name, has_cells):
    x, y = zoo_inputs_and_outputs(name)
    model = ZOO / f"{name}.keras"
    design = hgq2rtl.compile(model, functions=FUNCTIONS, primitives=has_cells)
    for mine, keras in zip(as_list(design.simulate(x)), y, strict=True):
        assert np.array_equal(mine, keras)
    assert design.check(samples=2000).mismatches == 0
