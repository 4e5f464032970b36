"""Plain Keras layers with exact weights against Keras' own inference."""

from __future__ import annotations

import os

import numpy as np
import pytest

import hgq2rtl

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

FORMAT = "1,3,3"


def inputs(shape, samples=120, seed=0):
    """Numbers that FORMAT holds."""
    x = np.random.default_rng(seed).integers(-64, 64, (samples, *shape)) / 8
    x[0], x[1], x[2] = -8, 7.875, 0
    return x


def dyadic(model, seed=1):
    """Weights of few bits: Keras' float32 sums are then exact."""
    dice = np.random.default_rng(seed)
    for layer in model.layers:
        new = [
            np.ldexp(dice.integers(-12, 13, w.shape).astype(float), -3) for w in layer.get_weights()
        ]
        layer.set_weights(new)


def assert_exact(layers, shape, tmp_path, prepare=dyadic, input_format=FORMAT, x=None):
    """The file on its own gives what Keras gives."""
    model = keras.Sequential([keras.Input(shape), *layers])
    prepare(model)
    path = tmp_path / "m.keras"
    model.save(path)
    x = inputs(shape) if x is None else x
    wanted = np.asarray(keras.models.load_model(path).predict(x, verbose=0), np.float64)
    got = hgq2rtl.compile(path, input_format=input_format).predict(x)
    assert got.shape == wanted.shape
    assert np.array_equal(got, wanted)


L = keras.layers
CASES = {
    "dense": ([L.Dense(3), L.Dense(2, activation="relu", use_bias=False)], (4,)),
    "dense on a matrix": ([L.Dense(3, activation="relu")], (2, 4)),
    "einsum": ([L.EinsumDense("abc,cd->adb", (3, None), bias_axes="d")], (2, 4)),
    "relu": ([L.ReLU(max_value=2.0, negative_slope=0.25, threshold=0.5)], (2, 3)),
    "leaky": ([L.LeakyReLU(negative_slope=0.125), L.Activation("relu")], (5,)),
    "prelu": ([L.PReLU()], (2, 3)),
    "prelu shared": ([L.PReLU(shared_axes=[1])], (2, 3)),
    "rescaling": ([L.Rescaling(0.5, -1.25)], (2, 3)),
    "rescaling by axis": ([L.Rescaling([0.5, 2.0, 1.0], [0.0, 1.0, -0.5])], (2, 3)),
    "normalization": ([L.Normalization(mean=[0.5, 1, 2], variance=[0.25, 4, 16])], (3,)),
    "normalization back": (
        [L.Normalization(mean=[0.5, 1, 2], variance=[0.25, 4, 16], invert=True)],
        (3,),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_exact_weights_are_exact(name, tmp_path):
    """Catches an option that is read wrong, and a weight that is rounded."""
    layers, shape = CASES[name]
    layers = [layer.__class__.from_config(layer.get_config()) for layer in layers]
    assert_exact(layers, shape, tmp_path)


@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_norm_folds_as_keras_does(axis, tmp_path):
    """Catches constants that are folded in another order."""

    def prepare(model):
        n = model.layers[0].gamma.shape[0]
        gamma, beta, mean = np.linspace(-1, 1.5, n), np.linspace(2, -1, n), np.linspace(0, 2, n)
        model.layers[0].set_weights(
            [
                np.round(gamma * 4) / 4,
                np.round(beta * 8) / 8,
                np.round(mean * 4) / 4,
                np.full(n, 3.75),
            ]
        )

    layer = L.BatchNormalization(axis=axis, epsilon=0.25)
    assert_exact([layer], (2, 3), tmp_path, prepare)


def test_an_adapted_normalization_and_its_quantizer(tmp_path):
    """Catches a division by a deviation that is no power of two."""
    pytest.importorskip("hgq")
    from hgq.layers import QDense

    layer = L.Normalization()
    layer.adapt(np.random.default_rng(0).normal(1, 3, (500, 4)))
    model = keras.Sequential([keras.Input((4,)), layer, QDense(3)])
    path = tmp_path / "m.keras"
    model.save(path)
    x = inputs((4,))
    wanted = np.asarray(keras.models.load_model(path).predict(x, verbose=0), np.float64)
    assert np.array_equal(hgq2rtl.compile(path, input_format=FORMAT).predict(x), wanted)


def test_an_embedding_is_a_table(tmp_path):
    """Catches rows in another order."""
    model = keras.Sequential([keras.Input((3,), dtype="int32"), L.Embedding(8, 2), L.Flatten()])
    path = tmp_path / "m.keras"
    model.save(path)
    x = np.random.default_rng(0).integers(0, 8, (60, 3))
    wanted = np.asarray(model.predict(x, verbose=0), np.float64)
    assert np.array_equal(hgq2rtl.compile(path, input_format="0,3,0").predict(x), wanted)
    with pytest.raises(hgq2rtl.errors.NotExact) as error:
        hgq2rtl.compile(path, input_format="0,4,0")
    assert str(error.value) == (
        "embedding (Embedding) in m.keras: its input can be 0 to 15, and the rows are 0 to 7. Give "
        "the input a format that holds these only (--input-format 0,i,0), or clip it."
    )
