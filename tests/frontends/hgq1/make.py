"""Make the models of this folder, and what HGQ v1 computes with them.

Run with TensorFlow 2.15 and the package HGQ 0.2.6 (Python 3.11), in this folder::

    pip install tensorflow-cpu==2.15.1 && pip install --no-deps HGQ==0.2.6 && python make.py

The models have learned nothing: weights and widths are random. Inputs lie on a grid of 1/64
within (-128, 128), a part of them far beyond what the widths were traced on.
"""

import numpy as np
import tensorflow as tf
from HGQ import get_default_kq_conf, get_default_paq_conf, to_proxy_model, trace_minmax
from HGQ.layers import (
    HActivation,
    HAdd,
    HConv1D,
    HConv2D,
    HConv2DBatchNorm,
    HDense,
    HDenseBatchNorm,
    HQuantize,
    PAvgPool1D,
    PConcatenate,
    PFlatten,
    PMaxPool2D,
    PReshape,
)
from tensorflow.keras import Model, Sequential
from tensorflow.keras.layers import Dense, Input, InputLayer, ReLU

RNG = np.random.default_rng(11)
EXPECTED = {}
DRAWS = {
    "kernel:0": lambda shape: RNG.normal(0, 0.7, shape),
    "bias:0": lambda shape: RNG.normal(0, 0.4, shape),
    "kernel_bw:0": lambda shape: RNG.choice([-9, 0, 1, 2, 2.5, 3.49, 3.5], shape),
    "activation_bw:0": lambda shape: RNG.choice([-1, 0, 1, 1.5, 2, 2.5, 3, 3.2], shape),
    "bn_gamma:0": lambda shape: RNG.choice([0.5, 1.3, -1, 0.7], shape),
    "bn_beta:0": lambda shape: RNG.normal(0, 0.5, shape),
    "moving_mean:0": lambda shape: RNG.normal(0, 0.5, shape),
    "moving_variance:0": lambda shape: RNG.uniform(0.2, 3, shape),
}


def main():
    save("dense", dense(), "h5")
    save("conv", conv(), "h5")
    graph = branches()
    inputs = save("graph", graph, "keras")
    trace_minmax(graph, [x[:32] for x in inputs], verbose=False)
    for name, form, is_wrapping in (("wrap", "h5", True), ("sat", "keras", False)):
        proxy = to_proxy_model(graph, aggressive=is_wrapping, unary_lut_max_table_size=4096)
        save(f"proxy_{name}", proxy, form, inputs)
    save("nested", nested(), "h5")
    save("nested", nested(), "keras")
    np.savez_compressed("expected.npz", **EXPECTED)


def save(name, model, form, inputs=None):
    """The model, its inputs and outputs; a trained one gets random numbers first."""
    if inputs is None:
        randomize(model)
        inputs = [samples(x.shape[1:]) for x in model.inputs]
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    model.save(f"{name}.{form}")
    EXPECTED.update({f"{name}.{form}/x{n}": x for n, x in enumerate(inputs)})
    EXPECTED.update({f"{name}.{form}/y{n}": np.asarray(y) for n, y in enumerate(outputs)})
    return inputs


def randomize(model):
    for weight in model.weights:
        draw = DRAWS.get(weight.name.split("/")[-1])
        if draw is not None:
            values = draw(weight.shape)
            is_plain = not any(word in model.name for word in ("dense", "conv", "graph"))
            weight.assign(np.round(values * 8) / 8 if is_plain else values)


def samples(shape):
    near, far = RNG.normal(0, 2, (32, *shape)), RNG.normal(0, 25, (16, *shape))
    on_grid = np.round(np.concatenate([near, far]) * 64) / 64
    return np.clip(on_grid, -127, 127).astype(np.float32)


def paq(**options):
    return {**get_default_paq_conf(), **options}


def kq(**options):
    return {**get_default_kq_conf(), **options}


def dense():
    """Batch norms, and every rounding strategy."""
    return Sequential(
        [
            InputLayer((2, 6)),
            HQuantize(),
            HDenseBatchNorm(5, activation="relu", paq_conf=paq(rnd_strategy="auto")),
            HDenseBatchNorm(5, use_bias=False, paq_conf=paq(skip_dims="except_last")),
            HDense(5, activation="relu", paq_conf=paq(rnd_strategy="auto", skip_dims="all")),
            HDense(4, kq_conf=kq(rnd_strategy="floor"), paq_conf=paq(rnd_strategy="floor")),
            HDense(4, paq_conf=paq(trainable=False), kq_conf=kq(skip_dims="except_last")),
        ],
        name="dense",
    )


def conv():
    shared = paq(skip_dims="all")
    return Sequential(
        [
            InputLayer((6, 5, 4)),
            HQuantize(paq_conf=paq(skip_dims="except_last")),
            HConv2D(4, (2, 3), groups=2, activation="relu", padding="same", paq_conf=shared),
            PMaxPool2D((2, 2), padding="same", strides=(2, 1)),
            HConv2DBatchNorm(3, 2, activation="relu", strides=(1, 2), paq_conf=shared),
            PReshape((4, 3)),
            HConv1D(2, 2, padding="same", dilation_rate=2, paq_conf=paq(rnd_strategy="auto")),
            PAvgPool1D(2),
            PFlatten(),
            HDense(3),
        ],
        name="conv",
    )


def branches():
    a, b = Input((6,)), Input((4,))
    hidden = HDense(4, activation="relu")(HQuantize()(a))
    function = HActivation("tanh")(HDense(4, paq_conf=paq(skip_dims="all"))(HQuantize()(b)))
    total = HAdd()([hidden, function])
    return Model([a, b], [HDense(3)(PConcatenate()([total, function])), total], name="graph")


def nested():
    """Plain layers in models within models; weights are multiples of 1/8."""
    tf.keras.backend.clear_session()
    x = Input((4,), name="inner_input")
    inner = Model(x, [Dense(4, name="a")(x), ReLU(name="b")(x)], name="inner")
    chain = Sequential([InputLayer((4,), name="c"), Dense(3, name="d")], name="chain")
    outside = Input((4,), name="outside")
    first, second = inner(outside)
    again, _ = inner(second)
    return Model(outside, [chain(first), chain(second), again, second], name="nested")


if __name__ == "__main__":
    main()
