"""Convolutions, poolings and padding against Keras' inference of the saved file."""

from __future__ import annotations

import os

import numpy as np
import pytest

import hgq2rtl

from .spatial_models import KINDS, Recipe, randomize, stimulus

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
pytest.importorskip("hgq", reason="hgq2 is not installed: pip install '.[test]'")


def assert_exact(model, tmp_path, seed=0):
    """The file gives what Keras makes of it, for every sample and every output."""
    dice = np.random.default_rng(seed)
    randomize(model, dice)
    path = tmp_path / "m.keras"
    model.save(path)
    x = stimulus(model.inputs[0].shape[1:], dice)
    wanted = keras.tree.flatten(keras.models.load_model(path, compile=False)(x))
    got = hgq2rtl.compile(path).predict(x)
    for ours, theirs in zip(got if isinstance(got, list) else [got], wanted, strict=True):
        assert np.array_equal(ours, np.asarray(theirs))


def branches(shape, *chains):
    """Several chains of layers on one input."""
    x = keras.Input(shape)
    outputs = []
    for chain in chains:
        y = x
        for layer in chain:
            y = layer(y)
        outputs.append(y)
    return keras.Model(x, outputs)


def data(**options):
    from hgq.config import QuantizerConfig

    return QuantizerConfig("kif", "datalane", **options)


@pytest.mark.slow
def test_convolutions(tmp_path):
    """Catches windows that stand elsewhere than Keras', and groups that mix channels."""
    from hgq.layers import QConv1D, QConv2D, QConv3D

    assert_exact(
        branches(
            (7, 4),
            [QConv1D(4, 3, padding="same", strides=2, groups=2)],
            [QConv1D(3, 2, dilation_rate=3, activation="relu", iq_conf=data(affine=(0.5, -1.25)))],
            [QConv1D(2, 4, data_format="channels_first", padding="same", enable_oq=True)],
        ),
        tmp_path,
    )
    assert_exact(
        branches(
            (4, 5, 2),
            [QConv2D(3, (2, 3), padding="same", strides=(1, 2)), QConv2D(2, 2, activation="relu")],
            [QConv2D(2, (2, 1), data_format="channels_first", use_bias=False)],
            [keras.layers.Reshape((2, 2, 5, 2)), QConv3D(2, 2, padding="same", strides=(2, 1, 1))],
        ),
        tmp_path,
    )


def test_causal_convolutions_quantize_their_zeros(tmp_path):
    """Catches padding behind the quantizer: there its zeros would stay zeros."""
    from hgq.layers import QConv1D

    last, first = data(heterogeneous_axis=(2,)), data(heterogeneous_axis=(1,))
    shifted = data(heterogeneous_axis=(), affine=(0.5, -1.25))
    causal = {"padding": "causal", "enable_ebops": False}
    assert_exact(
        branches(
            (6, 3),
            [QConv1D(2, 3, iq_conf=last, dilation_rate=2, **causal)],
            [QConv1D(2, 2, iq_conf=shifted, strides=2, **causal)],
            [QConv1D(2, 2, iq_conf=first, data_format="channels_first", **causal)],
            [QConv1D(2, 1, **causal)],
        ),
        tmp_path,
    )


def test_causal_formats_along_the_sequence_are_refused(tmp_path):
    """hgq2 builds such a layer and cannot run it."""
    from hgq.layers import QConv1D

    model = keras.Sequential([keras.Input((6, 2))])
    layer = QConv1D(2, 3, padding="valid", name="conv")
    model.add(layer)
    layer.padding = "causal"
    model.save(tmp_path / "m.keras")
    with pytest.raises(hgq2rtl.errors.UnsupportedLayer, match="for the zeros of the causal"):
        hgq2rtl.compile(tmp_path / "m.keras")


@pytest.mark.slow
def test_poolings(tmp_path):
    """Catches padding that wins or counts; negative inputs make a zero there show."""
    import hgq.layers as q
    from hgq.quantizer import Quantizer

    fine = {"heterogeneous_axis": ()}
    assert_exact(
        branches(
            (5, 6, 2),
            [q.QMaxPooling2D((2, 3), padding="same", strides=(2, 2))],
            [q.QAveragePooling2D(2, padding="same"), Quantizer(data(**fine))],
            [q.QAveragePooling2D(3, strides=1, padding="same"), Quantizer(data(**fine))],
            [q.QMaxPooling2D(2, data_format="channels_first")],
            [q.QGlobalMaxPooling2D(keepdims=True), q.QMaxPooling2D(1)],
            [q.QGlobalAveragePooling2D(data_format="channels_first"), Quantizer(data(**fine))],
            [q.QAveragePooling2D((2, 3), enable_oq=True, oq_conf=data(**fine))],
        ),
        tmp_path,
    )


@pytest.mark.slow
def test_plain_layers(tmp_path):
    """Catches a kernel that is turned or a padding that is shifted in transposed convolutions."""
    from hgq.quantizer import Quantizer

    layers = keras.layers

    def behind(*chain):
        return [Quantizer(data(heterogeneous_axis=())), *chain]

    assert_exact(
        branches(
            (4, 3, 2),
            behind(layers.Conv2DTranspose(2, (3, 2), strides=(2, 3), padding="same")),
            behind(layers.Conv2DTranspose(2, (2, 3), strides=(3, 2), activation="relu")),
            behind(layers.Conv2DTranspose(1, 3, 2, "same", output_padding=(0, 1))),
            behind(layers.SeparableConv2D(3, 2, padding="same", depth_multiplier=2)),
            behind(layers.DepthwiseConv2D(2, 2, "same", depth_multiplier=3, activation="relu")),
            behind(layers.Conv2D(2, 2, activation="tanh"), Quantizer(data())),
            behind(layers.UpSampling2D((2, 4), interpolation="bilinear")),
            behind(layers.UpSampling2D((3, 2), data_format="channels_first")),
            behind(layers.ZeroPadding2D(((1, 0), (2, 3))), layers.Cropping2D(((0, 2), (1, 1)))),
        ),
        tmp_path,
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(120))
def test_random_models(seed, tmp_path):
    """One layer or a chain of three, with random options, formats and weights."""
    from hgq.quantizer import Quantizer

    dice = np.random.default_rng(seed)
    recipe = Recipe(dice)
    kinds = [kind for kind in KINDS if recipe.rank < 3 or kind[:4] not in ("Dept", "Sepa")]
    x = keras.Input(recipe.shape())
    y = Quantizer(recipe.quantizer("datalane", recipe.rank + 1))(x)
    for kind in dice.choice(kinds, dice.choice([1, 1, 3])):
        if len(y.shape) != recipe.rank + 2:
            break
        try:
            made = recipe.layers(str(kind), tuple(y.shape[1:]))
            for layer in made:
                y = layer(y)
        except ValueError:
            break  # Keras refuses the combination: stride with dilation, or a window too large
    assert_exact(keras.Model(x, y), tmp_path, seed)
