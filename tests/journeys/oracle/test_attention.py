"""Function tables, softmax and attention made with hgq2: Keras' inference, bit for bit."""

from __future__ import annotations

import os

import numpy as np
import pytest

import hgq2rtl

from ..trained import as_list
from .table_models import stimulus

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
hgq = pytest.importorskip("hgq.layers", reason="hgq2 is not installed: pip install '.[test]'")
from hgq.config import QuantizerConfig  # noqa: E402
from hgq.layers.attn.salt import QSALTAttention  # noqa: E402
from hgq.quantizer import Quantizer  # noqa: E402

MHA, LINFORMER = hgq.QMultiHeadAttention, hgq.QLinformerAttention
SAMPLES = 200
KERAS = """celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu
    linear log_sigmoid mish relu relu6 selu sigmoid silu soft_shrink softplus softsign
    sparse_plus sparse_sigmoid squareplus tanh tanh_shrink""".split()
OPERATIONS = """arctan arcsinh cbrt cos cosh deg2rad erf exp exp2 expm1 gelu rad2deg sin sinc sinh
    tanh""".split()
POSITIVE = "log log10 log1p log2 reciprocal rsqrt sqrt".split()


@keras.saving.register_keras_serializable(package="tests", name="bump")
def bump(x):
    return x / (1 + x * x)


def randomize(model, dice):
    """Formats as training leaves them, a sixth of them dead, and weights of few bits."""
    for layer in model._flatten_layers():
        for weight in layer._trainable_variables + layer._non_trainable_variables:
            *_, place, name = weight.path.split("/")
            made = _numbers(name, "quantizer" in place, weight, dice)
            if made is not None:
                weight.assign(made)


def _numbers(name, is_width, weight, dice):
    shape, is_sum = weight.shape, "inv_table" in weight.path
    if not is_width:
        is_counter = name in ("ebops", "beta") and shape == ()
        return None if is_counter else np.round(dice.normal(0, 0.8, shape) * 64) / 64
    is_dead = (dice.random(shape) < 1 / 6) & ("table" not in weight.path)
    between = dice.uniform(-0.4, 0.4, shape)
    match name:
        case "f":
            return np.where(is_dead, -6, dice.integers(1, 5, shape) + between)
        case "b":
            return np.where(is_dead, 0, dice.integers(2, 7, shape) + between)
        case "i":
            return dice.integers(1, 4, shape) if is_sum else dice.integers(-1, 3, shape) + between
        case "k":
            return np.zeros(shape) if is_sum else dice.integers(0, 2, shape)
    return None


def assert_exact(model, folder, seed=0, functions=None):
    """The design computes what Keras does with the model as saved."""
    dice = np.random.default_rng(seed)
    randomize(model, dice)
    model.save(folder / "m.keras")
    loaded = keras.models.load_model(folder / "m.keras")
    x = [np.round(stimulus(tuple(i.shape[1:]), dice, SAMPLES) * 256) / 256 for i in model.inputs]
    wanted = keras.tree.flatten(loaded.predict(x, verbose=0, batch_size=SAMPLES))
    design = hgq2rtl.compile(folder / "m.keras", functions=functions)
    got = as_list(design.predict([each.astype(float) for each in x]))
    assert any(each.any() for each in wanted)
    for mine, right in zip(got, wanted, strict=True):
        assert np.array_equal(mine, right)


# -- tables ------------------------------------------------------------------------


def tables(dice):
    """A table of every activation, with formats for each element or for all."""
    x = keras.Input((6,))
    made = []
    for name in [*KERAS, bump]:
        shared = {"heterogeneous_axis": ()} if dice.random() < 0.5 else {"homogeneous_axis": (0,)}
        conf = QuantizerConfig(
            place="table",
            round_mode=str(dice.choice(["RND", "RND_CONV"])),
            overflow_mode=str(dice.choice(["SAT", "SAT_SYM", "WRAP"])),
            **shared,
        )
        made.append(hgq.QUnaryFunctionLUT(name, oq_conf=conf)(x))
    made.append(hgq.QAffinedUnaryFunctionLUT("tanh")(x))
    made.append(hgq.QUnaryFunctionLUT("silu", allow_heterogeneous_input=False)(x))
    made.append(Quantizer()(hgq.QUnaryFunctionLUT("sigmoid", enable_oq=False)(x)))
    return keras.Model(x, made)


def plain_functions():
    """Activation layers and operations of Keras, each in front of a quantizer."""
    x = keras.Input((6,))
    q, ops = Quantizer()(x), keras.ops
    above = ops.abs(q) + 0.25
    made = [keras.layers.Activation(name)(q) for name in KERAS]
    made += [getattr(ops, name)(q) for name in OPERATIONS]
    made += [getattr(ops, name)(above) for name in POSITIVE]
    made += [ops.gelu(q, approximate=False), ops.elu(q, alpha=0.5), keras.layers.ELU(0.7)(q)]
    made += [ops.threshold(q, 0.3, 1.5), ops.soft_shrink(q, threshold=0.3)]
    made.append(keras.layers.Dense(3, activation="tanh")(q))
    exact = [keras.layers.Activation(name)(q) for name in ("relu6", "hard_tanh", "hard_shrink")]
    return keras.Model(x, [*(Quantizer()(each) for each in made), *exact])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_tables_of_every_activation(seed, tmp_path):
    """Catches an activation that is not Keras', to the last bit of a table."""
    functions = {"tests>bump": lambda x: x / (1 + x * x)}
    assert_exact(tables(np.random.default_rng(seed)), tmp_path, seed, functions)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_functions_in_front_of_quantizers(seed, tmp_path):
    """Catches an operation that gives other numbers than Keras'."""
    assert_exact(plain_functions(), tmp_path, seed)


# -- softmax -----------------------------------------------------------------------


def softmaxes(dice, count):
    """Along one and several axes, with and without quantizers and masks."""
    x = keras.Input((2, 3, 4))
    quantized, made = Quantizer()(x), []
    axes = (-1, 1, 2, (1, 2), (-1, -2), (1, 3))
    for n in range(count):
        has_own, has_oq, has_tables = dice.random(3) < 0.5
        options = {
            "axis": axes[n % len(axes)],
            "stable": bool(dice.integers(2)),
            "enable_iq": has_own,
            "input_scaler": float(dice.choice([1, 0.5, 3**-0.5, 2])),
            "allow_heterogeneous_table": bool(dice.integers(2)),
        }
        if has_oq:
            options |= {"enable_oq": True, "oq_conf": QuantizerConfig(place="datalane")}
        if has_tables:
            options["exp_oq_conf"] = QuantizerConfig(place="table", homogeneous_axis=(0,))
            options["inv_iq_conf"] = QuantizerConfig(place="datalane", overflow_mode="SAT")
        mask = dice.integers(0, 2, (1, 2, 3, 4)) if dice.random() < 0.4 else None
        made.append(hgq.QSoftmax(**options)(x if has_own else quantized, mask=mask))
    return keras.Model(x, made)


def test_softmax(tmp_path):
    """Catches an epsilon, a scale, or an axis that is summed in vain."""
    assert_exact(softmaxes(np.random.default_rng(2), 4), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_more_softmax(seed, tmp_path):
    assert_exact(softmaxes(np.random.default_rng(seed), 24), tmp_path, seed)


# -- attention ---------------------------------------------------------------------

MASK = np.array([[1, 1, 0, 1], [0, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
"""The third place sees nothing."""
SELF, CROSS = [(4, 3)], [(4, 3), (3, 5)]
THREE = [(4, 3), (3, 2), (3, 4)]
LONG = [(6, 3)]
PROJECTED = np.tile([[1, 1, 0], [0, 1, 1]], (3, 1))[None]

ATTENTION = {
    "self": (MHA, SELF, {}, {}),
    "unstable": (MHA, SELF, {"stable_softmax": False}, {}),
    "cross": (MHA, CROSS, {"value_dim": 3, "output_shape": (2, 2)}, {}),
    "three inputs": (MHA, THREE, {"use_bias": False, "output_shape": 4}, {}),
    "two axes": (MHA, [(2, 2, 3)], {"attention_axes": (1, 2)}, {}),
    "fuse qkv": (MHA, SELF, {"fuse": "qkv"}, {"use_causal_mask": True}),
    "fuse qkv of three": (MHA, SELF * 3, {"fuse": "qkv"}, {}),
    "fuse kv": (MHA, CROSS, {"fuse": "kv"}, {"return_attention_scores": True}),
    "fuse kv of two": (MHA, [(4, 3), (3, 2), (3, 2)], {"fuse": "kv"}, {}),
    "tables for each": (MHA, SELF, {"softmax_allow_heterogeneous_table": True}, {}),
    "mask": (MHA, SELF, {}, {"attention_mask": MASK}),
    "mask for heads": (MHA, SELF, {}, {"attention_mask": np.stack([MASK, MASK.T])[None]}),
    "mask and causal": (
        MHA,
        SELF,
        {"stable_softmax": False},
        {"attention_mask": MASK[None], "use_causal_mask": True},
    ),
    "masks of places": (
        MHA,
        SELF,
        {},
        {"query_mask": np.array([[1, 1, 0, 1]], bool), "value_mask": np.array([[1, 0, 1, 1]])},
    ),
    "window": (MHA, SELF, {"sliding_window": 2, "use_gate": True}, {}),
    "linformer": (LINFORMER, CROSS, {"lin_kv_proj_dim": 2}, {}),
    "linformer shared": (LINFORMER, SELF, {"lin_kv_proj_dim": 3, "share_kv_proj": True}, {}),
    "linformer axes": (
        LINFORMER,
        [(2, 3, 4)],
        {"lin_kv_proj_dim": (2, 2), "attention_axes": (1, 2)},
        {},
    ),
    "linformer mask": (LINFORMER, LONG, {"lin_kv_proj_dim": 3}, {"attention_mask": PROJECTED}),
    "salt": (QSALTAttention, LONG, {"lin_kv_proj_dim": 3}, {"return_attention_scores": True}),
    "salt clusters": (
        QSALTAttention,
        LONG,
        {"lin_kv_proj_dim": 4, "cluster_k_proj": True, "cluster_v_proj": True, "conv_size": 2},
        {},
    ),
    "salt key clusters": (
        QSALTAttention,
        LONG,
        {"lin_kv_proj_dim": 3, "cluster_k_proj": True, "separate_conv": True, "use_bias": False},
        {},
    ),
    "salt shared": (
        QSALTAttention,
        LONG,
        {"lin_kv_proj_dim": 3, "share_kv_proj": True, "conv_size": 0},
        {"attention_mask": PROJECTED},
    ),
}
QUICK = {"fuse kv"}
"""Keras takes ten seconds to build, save and load one."""


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in ATTENTION],
)
def test_attention(name, tmp_path):
    """Catches a head, a place, a mask or a format that is mistaken for another."""
    made, shapes, options, call = ATTENTION[name]
    inputs = [keras.Input(shape) for shape in shapes]
    given = inputs if len(inputs) > 1 else inputs * 2
    layer = made(num_heads=2, key_dim=2, **options)
    assert_exact(keras.Model(inputs, layer(*given, **call)), tmp_path, len(name))


@pytest.mark.slow
def test_masks_that_are_tensors(tmp_path):
    """Catches a maximum over what is masked."""
    x, y, z = keras.Input((4, 3)), keras.Input((4, 4)), keras.Input((4,))
    asked, seen = (keras.ops.greater(Quantizer()(each), 0.0) for each in (y, z))
    made = MHA(num_heads=2, key_dim=2)(x, x, attention_mask=asked, value_mask=seen)
    made = hgq.QSoftmax(axis=-1, enable_iq=True)(made[:, :, 0], mask=seen)
    assert_exact(keras.Model([x, y, z], made), tmp_path)


@pytest.mark.slow
def test_one_attention_used_twice(tmp_path):
    """Catches a part that remembers its first use; its inputs are quantized outside."""
    x = keras.Input((4, 3))
    q = Quantizer()(x)
    twice = MHA(num_heads=1, key_dim=2)
    bare = MHA(num_heads=2, key_dim=2, enable_iq=False)
    assert_exact(keras.Model(x, [twice(twice(x, x), x), bare(query=q, value=q)]), tmp_path)
