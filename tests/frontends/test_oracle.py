"""Live models against Keras: what the reader makes of them computes what they compute."""

import os

import numpy as np
import pytest

from hgq2rtl.frontends import from_model

from .evaluate import evaluate, quantized

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("hgq", reason="hgq2 is not installed: pip install '.[test]'")
    return pytest.importorskip("keras")


def randomize(model, seed):
    """Weights and statistics as training might leave them."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        name = weight.path.split("/")[-1]
        if name in ("kernel", "bias", "gamma", "moving_mean"):
            weight.assign(rng.normal(size=weight.shape))
        elif name == "moving_variance":
            weight.assign(rng.uniform(0.25, 2, size=weight.shape))


def assert_same(keras, model, seed=0):
    randomize(model, seed)
    rng = np.random.default_rng(seed)
    inputs = [rng.normal(size=(100, *x.shape[1:])).astype(np.float32) * 3 for x in model.inputs]
    expected = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0]))
    found = evaluate(from_model(model), inputs)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


EQUATIONS = [
    ("...x,xy->...y", 5, "y", (3, 4)),
    ("ab...,bc->ac...", 6, "c", (4, 3, 2)),
    ("abc,cd->abd", (None, 5), "d", (3, 4)),
    ("abc,bd->adc", (5, 4), "d", (3, 4)),
    ("abc,bcde->ade", (5, 6), "ed", (3, 4)),
    ("abc,bcd->abd", (3, 5), "bd", (3, 4)),
    ("ab,b->ab", 4, "b", (4,)),
]


@pytest.mark.parametrize("class_name", ["QEinsumDense", "QEinsumDenseBatchnorm"])
@pytest.mark.parametrize(("equation", "output", "axes", "shape"), EQUATIONS)
def test_equations(keras, class_name, equation, output, axes, shape):
    import hgq.layers

    layer = getattr(hgq.layers, class_name)(equation, output_shape=output, bias_axes=axes)
    x = keras.Input(shape)
    assert_same(keras, keras.Model(x, layer(x)))


def test_shared_and_nested_models(keras):
    from hgq.layers import QAdd, QDense

    a, b = keras.Input((3,)), keras.Input((3,))
    block = keras.Sequential([keras.Input((3,)), QDense(3, activation="relu"), QDense(3)])
    assert_same(keras, keras.Model([a, b], QAdd()([block(a), block(b)])))
    i, j = keras.Input((3,)), keras.Input((3,))
    inner = keras.Model([i, j], [QAdd()([i, j]), QDense(2)(i)])
    p, q = inner([a, b])
    assert_same(keras, keras.Model([a, b], [q, *inner([p, b])]))


def test_moving_elements(keras):
    from hgq.quantizer import Quantizer
    from keras import layers, ops

    x = keras.Input((2, 3, 4))
    y = Quantizer()(x)
    outputs = [
        *(ops.reshape(y, (-1, 6, 4)), ops.transpose(y, (0, 3, 1, 2)), ops.expand_dims(y, -1)),
        *(y[:, 0], y[:, -1:, ::-1], y[..., None], y[:, None, :, 1], y[:, :, 1:2, ...]),
        *(ops.concatenate([y, y], axis=-1), ops.squeeze(y[:, :1], 1), ops.relu(y)),
        *(layers.Reshape((-1, 2))(y), layers.Permute((3, 1, 2))(y), layers.Flatten()(y)),
        layers.Concatenate(axis=1)([y, y]),
    ]
    assert_same(keras, keras.Model(x, outputs))


def test_options_of_layers(keras):
    from hgq.config import LayerConfigScope
    from hgq.layers import QAdd, QBatchNormalization, QDense, QEinsumDenseBatchnorm

    x = keras.Input((4,))
    with LayerConfigScope(enable_ebops=False, enable_oq=True):
        y = QEinsumDenseBatchnorm("bc,cC->bC", 4, bias_axes="C", activation="relu")(x)
        y = QDense(4, use_bias=False)(QBatchNormalization(center=False)(y))
    y = QBatchNormalization(scale=False)(y)
    assert_same(keras, keras.Model(x, QAdd()([y, x])))
    a, b = keras.Input((2, 3)), keras.Input((3,))
    assert_same(keras, keras.Model([a, b], QAdd()([a, b])))


@pytest.mark.parametrize("kind", ["kif", "kbi"])
@pytest.mark.parametrize("rounding", ["RND", "TRN", "S_RND", "RND_CONV"])
@pytest.mark.parametrize("is_weight", [True, False])
@pytest.mark.parametrize("is_trainable", [True, False])
def test_wrap_at_inference(keras, kind, rounding, is_weight, is_trainable):
    """Every format of a grid, dead ones too: which wrap, and which are only rounded."""
    from hgq.config import QuantizerConfig
    from hgq.layers import QDense

    grid = np.array([(k, i, f) for k in (0, 1) for i in range(-4, 4) for f in range(-3, 5)])
    k, i, f = (grid[:, n] for n in range(3))
    config = QuantizerConfig(
        *(kind, "weight"),
        **{"round_mode": rounding, "overflow_mode": "WRAP", "trainable": is_trainable},
        is_weight=is_weight,
    )
    x = keras.Input((1,))
    layer = QDense(len(grid), kq_conf=config)
    model = keras.Model(x, layer(x))
    stored = {v.path.split("/")[-1]: v for v in layer.kq.quantizer.weights}
    stored["k"].assign(k[None])
    stored["i"].assign(i[None])
    stored["f" if kind == "kif" else "b"].assign((f if kind == "kif" else i + f)[None])
    for seed in range(4):
        rng = np.random.default_rng(seed)
        layer._kernel.assign(rng.normal(size=(1, len(grid))) * 10.0 ** rng.integers(-1, 3))
        record = from_model(model).calls[0].layer
        expected = np.array(layer.qkernel)
        found = quantized(record.arrays["kernel"], record.quantizers["kernel"][0])
        assert np.array_equal(found, expected)
