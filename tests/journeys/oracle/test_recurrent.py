"""Recurrent layers against Keras' inference of the saved file."""

from __future__ import annotations

import os

import numpy as np
import pytest

import hgq2rtl

from .recurrent_models import KINDS, Recipe, randomize, stimulus

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
pytest.importorskip("hgq", reason="hgq2 is not installed: pip install '.[test]'")


def assert_exact(model, tmp_path, seed=0):
    """The file gives what Keras makes of it, for every sample and every output."""
    dice = np.random.default_rng(seed)
    randomize(model, dice)
    path = tmp_path / "m.keras"
    model.save(path)
    x = [stimulus(tensor.shape[1:], dice) for tensor in model.inputs]
    wanted = keras.tree.flatten(keras.models.load_model(path, compile=False)(x))
    got = hgq2rtl.compile(path).predict(x)
    for ours, theirs in zip(got if isinstance(got, list) else [got], wanted, strict=True):
        assert np.array_equal(ours, np.asarray(theirs))


def test_recurrent_layers(tmp_path):
    """Catches a gate at another's place, a state that is quantized twice, and lost options."""
    from hgq.layers import QGRU, QSimpleRNN

    x = keras.Input((2, 2))
    y, state = QSimpleRNN(2, return_sequences=True, return_state=True, activation="relu")(x)
    z = QGRU(2, reset_after=False, go_backwards=True, recurrent_activation="tanh")(y)
    w = QGRU(2, use_bias=False)(x, initial_state=[z])
    assert_exact(keras.Model(x, [state, w]), tmp_path)


def test_spiking_layers(tmp_path):
    """Catches a reset that comes before the spike, and parameters in another order."""
    from hgq.layers import QLIF, QSimpleSNN

    x = keras.Input((3, 2))
    graded = {"graded_spikes_factor": [0.5, 2.0], "learn_graded_spikes_factor": True}
    y, state = QLIF(2, beta=[0.5, 0.75], threshold=0.5, return_state=True, **graded)(x)
    z = QSimpleSNN(2, return_sequences=True, reset_mechanism="zero", inhibition=True)(x)
    assert_exact(keras.Model(x, [y, state, z]), tmp_path)


def test_wrappers_and_stacks(tmp_path):
    """Catches a direction that is not turned back, and a mask that stops at the wrapper."""
    from hgq.layers import QDense, QLIFCell, QSimpleRNN
    from hgq.layers.rnn.gru import QGRUCell

    x = keras.Input((2, 2))
    mask = np.array([[True, False]])
    y = keras.layers.Bidirectional(QSimpleRNN(2, return_sequences=True), "sum")(x, mask=mask)
    z = keras.layers.TimeDistributed(QDense(2, activation="relu"))(x)
    w = keras.layers.RNN([QGRUCell(2), QLIFCell(2)], return_state=True)(z)
    assert_exact(keras.Model(x, [y, *keras.tree.flatten(w)]), tmp_path)


def test_a_masked_sequence(tmp_path):
    """Catches a mask from the data that is read as a constant, and steps that are not cleared."""
    from hgq.config import QuantizerConfig
    from hgq.layers import QSimpleRNN
    from hgq.quantizer import Quantizer

    x = keras.Input((2, 2))
    coarse = QuantizerConfig("kif", "datalane", trainable=False, i0=1, f0=0)
    y = keras.layers.Masking(1.0)(Quantizer(coarse)(x))
    assert_exact(keras.Model(x, QSimpleRNN(2, return_sequences=True)(y)), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(180))
def test_random_models(seed, tmp_path):
    """One layer with random options, formats, weights, first states and masks."""
    dice = np.random.default_rng(seed)
    try:
        model = Recipe(dice).model(KINDS[seed % len(KINDS)])
        model.save(tmp_path / "m.keras")
        keras.models.load_model(tmp_path / "m.keras")
    except (AssertionError, ValueError) as problem:
        pytest.skip(f"hgq2 cannot build or load this one: {problem}")
    assert_exact(model, tmp_path, seed)


@pytest.mark.slow
def test_a_thousand_steps_compile(tmp_path):
    """Catches recursion over the graph, and a register per cycle that is a signal of its own."""
    from hgq.config import QuantizerConfigScope
    from hgq.layers import QSimpleRNN

    with QuantizerConfigScope(place="datalane", heterogeneous_axis=()):
        model = keras.Sequential([keras.Input((1200, 1)), QSimpleRNN(2)])
    path = tmp_path / "m.keras"
    model.save(path)
    design = hgq2rtl.compile(path)
    x = np.random.default_rng(0).uniform(-1, 1, (4, 1200, 1))
    wanted = np.asarray(model.predict(x, verbose=0), np.float64)
    assert np.array_equal(design.predict(x), wanted)
