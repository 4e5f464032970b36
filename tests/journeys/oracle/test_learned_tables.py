"""Learned tables against Keras' inference of the saved file."""

from __future__ import annotations

import numpy as np
import pytest

import hgq2rtl

from .table_models import config, randomize, stimulus

keras = pytest.importorskip("keras")
pytest.importorskip("hgq", reason="hgq2 is not installed: pip install '.[test]'")


def assert_exact(layer, *shapes, tmp_path, seed=0, prepare=None):
    """The file gives what Keras makes of it, for every sample."""
    dice = np.random.default_rng(seed)
    inputs = [keras.Input(shape) for shape in shapes]
    first = inputs[0] if prepare is None else prepare(inputs[0])
    model = keras.Model(inputs, layer(first, *inputs[1:]))
    randomize(model, dice)
    path = tmp_path / "m.keras"
    model.save(path)
    x = [stimulus(shape, dice) for shape in shapes]
    wanted = keras.models.load_model(path, compile=False).predict(x, verbose=0, batch_size=300)
    assert np.array_equal(hgq2rtl.compile(path).predict(x), np.asarray(wanted, np.float64))


def table(**options):
    return config("table", homogeneous_axis=(0,), heterogeneous_axis=None, **options)


def test_dense_tables(tmp_path):
    """Catches a network, a batch norm or a table quantizer that is another than Keras'."""
    from hgq.layers import QDenseT

    layer = QDenseT(
        3, n_hl=1, d_hl=4, batch_norm=True, activation="relu", toq_conf=table(round_mode="RND_CONV")
    )
    assert_exact(layer, (4,), tmp_path=tmp_path)


def test_tables_by_an_equation(tmp_path):
    """Catches a first layer with one input, and batch norm arrays that are transposed."""
    from hgq.layers import QEinsumDenseT

    layer = QEinsumDenseT(
        "abc,cd->adb",
        (3, 2),
        d_hl=3,
        bias_axes="db",
        batch_norm=True,
        bn_center=False,
        bn_epsilon=0.25,
        enable_oq=True,
    )
    assert_exact(layer, (2, 3), tmp_path=tmp_path)


def test_convolved_tables(tmp_path):
    """Catches patches in another order, and padding that is not quantized."""
    from hgq.layers import QConvT2D

    layer = QConvT2D(
        2, (2, 3), padding="same", strides=2, d_hl=3, batch_norm=True, subnn_activation="silu"
    )
    assert_exact(layer, (4, 5, 2), tmp_path=tmp_path)


def test_tables_without_an_input_quantizer(tmp_path):
    """Catches a grid that is taken from somewhere else than the wire."""
    from hgq.layers import QDenseT, Quantizer

    quantizer = Quantizer(config("datalane", k0=True, i0=2, f0=1, trainable=False))
    layer = QDenseT(3, n_hl=0, enable_iq=False, use_bias=False)
    assert_exact(layer, (2, 3), tmp_path=tmp_path, prepare=quantizer)


def test_a_shared_layer_of_tables(tmp_path):
    """Catches a second use that differs from the first."""
    from hgq.layers import QDenseT

    layer = QDenseT(3, d_hl=2, iq_conf=config("datalane", heterogeneous_axis=()))
    assert_exact(lambda x: layer(layer(x)), (3,), tmp_path=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_dense_tables_of_many_kinds(seed, tmp_path):
    from hgq.layers import QDenseT

    dice = np.random.default_rng(seed)
    rounding = ["TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_INF", "RND_MIN_INF"]
    flags = dice.integers(0, 2, 4).astype(bool).tolist()
    layer = QDenseT(
        int(dice.integers(1, 5)),
        n_hl=int(dice.integers(0, 3)),
        d_hl=int(dice.integers(1, 6)),
        activation=[None, "relu"][dice.integers(2)],
        subnn_activation=["tanh", "relu", "gelu", "elu", "sigmoid"][dice.integers(5)],
        use_bias=flags[0],
        batch_norm=flags[1],
        bn_center=flags[2],
        bn_scale=flags[3],
        toq_conf=table(
            q_type=str(dice.choice(["kbi", "kif"])),
            round_mode=str(dice.choice(rounding)),
            overflow_mode=str(dice.choice(["WRAP", "SAT", "SAT_SYM"])),
            affine=[None, (0.5, -1.25)][dice.integers(2)],
        ),
    )
    shape = tuple(dice.integers(1, 4, dice.integers(1, 4)).tolist())
    assert_exact(layer, shape, tmp_path=tmp_path, seed=seed)


EQUATIONS = [
    ("abc,bcd->ad", (3,)),
    ("abc,bcd->abd", (2, 3)),
    ("...c,cd->...d", (3,)),
    ("abc,bc->abc", (2, 3)),
    ("abc,edc->abde", (2, 3, 2)),
    ("abc,bd->acd", (3, 2)),
    ("abc,cd->ad", (3,)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("equation", "output"), EQUATIONS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_equations(equation, output, batch_norm, tmp_path):
    from hgq.layers import QEinsumDenseT

    axes = equation[-1]
    layer = QEinsumDenseT(equation, output, d_hl=2, bias_axes=axes, batch_norm=batch_norm)
    assert_exact(layer, (2, 3), tmp_path=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["dense", "dense_t"])
@pytest.mark.parametrize("shared", [False, True])
def test_linformer_attention(mode, shared, tmp_path):
    from hgq.layers import QLinformerAttentionT

    layer = QLinformerAttentionT(
        2, 2, 2, n_hl=1, d_hl=2, lin_kv_proj_mode=mode, share_kv_proj=shared
    )
    assert_exact(layer, (2, 3), (3, 2), tmp_path=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("batch_norm", [False, True])
def test_multi_head_attention(batch_norm, tmp_path):
    from hgq.layers import QMultiHeadAttentionT

    layer = QMultiHeadAttentionT(2, 1, value_dim=2, n_hl=0, batch_norm=batch_norm)
    assert_exact(layer, (2, 3), (3, 2), tmp_path=tmp_path)
