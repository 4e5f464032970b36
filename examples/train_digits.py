"""Train `digits.keras`, a 64-32-16-10 network for the handwritten digits of scikit-learn.

::

    KERAS_BACKEND=jax python examples/train_digits.py           # train, calibrate, save
    KERAS_BACKEND=jax python examples/train_digits.py --keep    # evaluate the saved file instead
    KERAS_BACKEND=jax python examples/train_digits.py --rtl     # and compare the circuit with Keras

It needs hgq2, jax and scikit-learn, and about two minutes on two cores.

Every weight and every input owns a width that is trained with it. The price of a width is
``beta * EBOPs``; beta rises from almost nothing to 1e-4, so that the network first learns the
digits and then gives up one bit after another. A weight left with zero bits is pruned.
The same network in floating point (the twin) is trained alike, for comparison.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import keras
import numpy as np
from hgq.config import QuantizerConfigScope
from hgq.layers import QDense
from hgq.utils import trace_minmax
from hgq.utils.sugar import BetaScheduler, FreeEBOPs, PieceWiseSchedule
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

CHECKPOINT = Path(__file__).with_name("digits.keras")
SEED = 0
EPOCHS = 2500
BATCH = 128
LEARNING_RATE = 1e-2
BETA_FIRST, BETA_LAST = 1e-6, 1e-4
RAMP = 0.7  # the part of the training in which beta rises
NOISE = 1.6  # standard deviation of the noise added to a pixel (0..16) in training


def split_digits():
    """Return ``(x_train, x_test, y_train, y_test)``, the pixels as multiples of 1/16 in [0, 1]."""
    digits = load_digits()
    pixels = (digits.data / 16).astype(np.float32)
    return train_test_split(
        pixels, digits.target, test_size=0.2, random_state=0, stratify=digits.target
    )


class NoisyDigits(keras.utils.PyDataset):
    """Batches in a new order every epoch, with new noise on the pixels, still whole sixteenths."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y
        self.random = np.random.default_rng(SEED)
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.x) // BATCH)

    def __getitem__(self, index):
        chosen = self.order[index * BATCH : (index + 1) * BATCH]
        return self.noisy_x[chosen], self.y[chosen]

    def on_epoch_end(self):
        noise = self.random.normal(0, NOISE, self.x.shape)
        self.noisy_x = (np.clip(np.round(16 * self.x + noise), 0, 16) / 16).astype(np.float32)
        self.order = self.random.permutation(len(self.x))


def build(dense):
    """Return the network made of `dense`, which is ``QDense`` or ``keras.layers.Dense``."""
    keras.utils.set_random_seed(SEED)
    pixels = x = keras.Input((64,), name="pixels")
    x = dense(32, activation="relu", kernel_initializer="he_uniform", name="dense_1")(x)
    x = dense(16, activation="relu", kernel_initializer="he_uniform", name="dense_2")(x)
    logits = dense(10, name="dense_3")(x)
    return keras.Model(pixels, logits, name="digits")


def build_quantized():
    """Return the network with widths to be trained, which start at four or five bits."""
    with (
        QuantizerConfigScope(place="datalane", i0=1, f0=3),
        QuantizerConfigScope(place=("weight", "bias"), b0=4, i0=0),
    ):
        return build(QDense)


def fit(model, x, y, callbacks=()):
    """Train `model` in place and return the seconds that it took."""
    batches = NoisyDigits(x, y)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, EPOCHS * len(batches), alpha=0.02)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    start = time.perf_counter()
    model.fit(batches, epochs=EPOCHS, verbose=0, callbacks=list(callbacks))
    return time.perf_counter() - start


def print_progress(epoch, logs):
    """Print one line at every tenth of the training."""
    if (epoch + 1) % (EPOCHS // 10) == 0:
        print(
            f"epoch {epoch + 1:5}  beta {logs['beta']:.1e}  EBOPs {logs['ebops']:6.0f}  "
            f"accuracy with noise {logs['accuracy']:.3f}"
        )


def train_quantized(x, y):
    """Train the quantized network, calibrate its ranges on `x`, and save it to `CHECKPOINT`."""
    model = build_quantized()
    beta = PieceWiseSchedule([(0, BETA_FIRST, "log"), (int(RAMP * EPOCHS), BETA_LAST, "constant")])
    progress = keras.callbacks.LambdaCallback(on_epoch_end=print_progress)
    seconds = fit(model, x, y, [FreeEBOPs(), BetaScheduler(beta), progress])
    trace_minmax(model, x)
    # A model that was never compiled has no optimizer, so none of its state is saved.
    keras.Model(model.input, model.output, name=model.name).save(CHECKPOINT)
    print(f"trained in {seconds:.0f} s; {CHECKPOINT.name} has {CHECKPOINT.stat().st_size:,} bytes")


def layer_table(model):
    """Return a line for each layer: its EBOPs, kept weights, kept inputs and their widths."""
    lines = ["layer     EBOPs   weights kept   inputs kept   widest weight   widest input"]
    for layer in model.layers[1:]:
        weight_bits = np.round(np.asarray(layer.kq.quantizer.bits))
        weight_bits = np.where(np.asarray(layer.qkernel) != 0, weight_bits, 0)
        input_bits = np.round(np.asarray(layer.iq.quantizer.bits))
        lines.append(
            f"{layer.name:8} {int(layer.ebops):6}"
            f"{np.count_nonzero(weight_bits):9} /{weight_bits.size:5}"
            f"{np.count_nonzero(input_bits):8} /{input_bits.size:3}"
            f"{weight_bits.max():16.0f}{input_bits.max():15.0f}"
        )
    lines.append(f"sum      {sum(int(layer.ebops) for layer in model.layers[1:]):6}")
    return "\n".join(lines)


def count_out_of_range(x):
    """Count the samples of `x` whose logits change because a value leaves its calibrated range."""
    model = keras.models.load_model(CHECKPOINT, compile=False)
    logits = model.predict(x, verbose=0)
    never_wrapped = trace_minmax(model, x, reset=False, return_results=True)
    return np.count_nonzero((logits != never_wrapped).any(axis=1))


def accuracy(logits, y):
    """Return the fraction of rows of `logits` whose largest entry is at `y`."""
    return np.mean(logits.argmax(axis=1) == y)


def print_accuracy(name, logits, y):
    print(f"{name:32} {accuracy(logits, y):7.2%}  of {len(y)} test digits")


def compare_rtl(x, y, logits):
    """Compile the checkpoint; its integers and its Verilog must give `logits`, bit for bit."""
    import hgq2rtl

    design = hgq2rtl.compile(CHECKPOINT)
    for name, result in [
        ("RTL, integers (predict)", design.predict(x)),
        ("RTL, Verilator (simulate)", design.simulate(x)),
    ]:
        print_accuracy(name, result, y)
        np.testing.assert_array_equal(result, logits, err_msg=name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", action="store_true", help="evaluate the saved file, train none")
    parser.add_argument("--rtl", action="store_true", help="compile and simulate the circuit too")
    options = parser.parse_args()

    x_train, x_test, y_train, y_test = split_digits()
    if not options.keep:
        train_quantized(x_train, y_train)
    model = keras.models.load_model(CHECKPOINT, compile=False)
    logits = model.predict(x_test, verbose=0)
    print(layer_table(model))
    print(f"test digits out of calibrated range: {count_out_of_range(x_test)}")
    if not options.keep:
        twin = build(keras.layers.Dense)
        fit(twin, x_train, y_train)
        print_accuracy("float twin (Keras)", twin.predict(x_test, verbose=0), y_test)
    print_accuracy("quantized (Keras)", logits, y_test)
    if options.rtl:
        compare_rtl(x_test, y_test, logits)


if __name__ == "__main__":
    main()
