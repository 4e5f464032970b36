"""Random models of recurrent layers, their cells and wrappers, made with hgq2 and Keras."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")

ROUNDINGS = ("TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_INF", "RND_MIN_INF")
OVERFLOWS = ("WRAP", "SAT", "SAT_SYM")
KINDS = (
    *("QSimpleRNN", "QGRU", "QSimpleSNN", "QLIF"),
    *("cell", "stack", "single step", "two ways", "each step"),
)
ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "hard_tanh", "softsign", "silu", "elu")
EXACT = ("linear", "linear", "relu", "relu6", "hard_tanh", "sparse_sigmoid")


def randomize(model: Any, dice: np.random.Generator) -> None:
    """Weights, and widths as training leaves them; some formats have no bits."""
    for weight in model.weights:
        name, shape = weight.path.split("/")[-1], weight.shape
        between = dice.choice([0, 0.3, -0.3], shape)
        match name:
            case "k":
                values = dice.random(shape) < 0.8
            case "f":
                values = dice.integers(-1, 4, shape) + between
            case "b":
                values = np.maximum(dice.integers(-1, 6, shape) + between, 0)
            case "i":
                values = dice.integers(-1, 3, shape) + between
            case "kernel" | "recurrent_kernel" | "bias":
                values = dice.normal(0, 1.2, shape)
            case _:
                continue
        weight.assign(np.asarray(values, np.float32))


def stimulus(shape: tuple[int, ...], dice: np.random.Generator, samples: int = 80) -> np.ndarray:
    """Zero, ties, numbers in range and far out of it."""
    x = dice.integers(-64, 64, (samples, *shape)) / 16
    x[samples // 2 :] *= dice.choice([1, 8, 64], (samples - samples // 2, *(1,) * len(shape)))
    x[0] = 0
    return x.astype(np.float32)


class Recipe:
    """Random choices for one model."""

    def __init__(self, dice: np.random.Generator):
        self.dice = dice
        self.steps, self.features = (int(n) for n in dice.integers(1, 6, 2))

    def often(self, chance: float = 0.5) -> bool:
        return bool(self.dice.random() < chance)

    def quantizer(self, place: str) -> Any:
        from hgq.config import QuantizerConfig

        options: dict[str, Any] = {
            "round_mode": str(self.dice.choice(ROUNDINGS)),
            "overflow_mode": str(self.dice.choice(OVERFLOWS)),
            "trainable": self.often(0.8),
        }
        if self.often(0.15):
            options |= {"homogeneous_axis": None, "heterogeneous_axis": ()}
        return QuantizerConfig(str(self.dice.choice(["kbi", "kif"])), place, **options)

    def quantizers(self, **places: str) -> dict[str, Any]:
        """Configurations for some of the places."""
        return {
            f"{name}_conf": self.quantizer(place) for name, place in places.items() if self.often()
        }

    def numbers(self, units: int) -> Any:
        """A parameter of neurons: one number, or one for each."""
        eighths = self.dice.integers(-6, 17, units) / 8
        return eighths.tolist() if self.often() else float(eighths[0])

    def cell_options(self, name: str, units: int) -> dict[str, Any]:
        """Options of a cell, or of the layer that makes its own one."""
        options = self.quantizers(iq="datalane", sq="datalane")
        if "SNN" in name or "LIF" in name:
            return options | self._spiking_options(name, units)
        options |= self.quantizers(kq="weight", rkq="weight", bq="bias", paq="datalane")
        options |= {"use_bias": self.often(0.7), "activation": str(self.dice.choice(EXACT))}
        if "GRU" in name:
            options |= self.quantizers(praq="datalane")
            options |= {} if name.endswith("Cell") else self.quantizers(rhq="datalane")
            first, second = self.dice.choice(ACTIVATIONS, 2)
            options |= {"activation": str(first), "recurrent_activation": str(second)}
            options["reset_after"] = self.often()
        elif name.endswith("Cell"):
            options["enable_sq"] = self.often()
        return options

    def _spiking_options(self, name: str, units: int) -> dict[str, Any]:
        options = {
            "threshold": self.numbers(units),
            "graded_spikes_factor": self.numbers(units),
            "reset_mechanism": str(self.dice.choice(["subtract", "zero", "none"])),
            "inhibition": self.often(0.3),
            "learn_threshold": self.often(0.3),
            "learn_graded_spikes_factor": self.often(0.3),
            "enable_oq": self.often(0.3),
            "enable_sq": self.often(0.8),
            **self.quantizers(oq="datalane"),
        }
        if "LIF" in name:
            options |= {"beta": self.numbers(units), "learn_beta": self.often(0.3)}
        return options

    def walk(self) -> dict[str, bool]:
        return {
            "return_sequences": self.often(),
            "return_state": self.often(0.3),
            "go_backwards": self.often(0.3),
        }

    def units(self, name: str, features: int) -> int:
        is_spiking = "SNN" in name or "LIF" in name
        return features if is_spiking else int(self.dice.integers(1, 5))

    def cell(self, features: int) -> tuple[Any, int]:
        """A cell of any class, and its units."""
        names = ("QSimpleRNNCell", "QGRUCell", "QSimpleSNNCell", "QLIFCell")
        name = str(self.dice.choice(names))
        units = self.units(name, features)
        return classes()[name](units, **self.cell_options(name, units)), units

    def layer(self, name: str, **walk: bool) -> tuple[Any, int]:
        units = self.units(name, self.features)
        return classes()[name](units, **walk, **self.cell_options(name, units)), units

    # -- models ----------------------------------------------------------------

    def model(self, kind: str) -> Any:
        """A model around a layer of a kind."""
        import keras

        x = keras.Input((self.steps, self.features))
        inputs = [x]
        match kind:
            case "cell":
                cell, _ = self.cell(self.features)
                flags = {"unroll": self.often(), "zero_output_for_mask": self.often()}
                layer = keras.layers.RNN(cell, **flags, **self.walk())
                y = layer(x, mask=self.mask(inputs))
            case "stack":
                y = keras.layers.RNN(self.stack(), unroll=self.often(), **self.walk())(x)
            case "single step":
                inputs, y = self.single_step()
            case "two ways":
                y = self.two_ways()(x, mask=self.mask(inputs))
            case "each step":
                x = keras.Input((3, self.steps, self.features))
                inputs = [x]
                names = ("QSimpleRNN", "QGRU", "QLIF")
                layer, _ = self.layer(str(self.dice.choice(names)), go_backwards=self.often())
                y = keras.layers.TimeDistributed(layer)(x)
            case name:
                layer, units = self.layer(name, **self.walk())
                state = self.first_state(inputs, units)
                y = layer(x, initial_state=state, mask=self.mask(inputs))
        return keras.Model(inputs, keras.tree.flatten(y))

    def stack(self) -> list[Any]:
        cells, features = [], self.features
        for _ in range(int(self.dice.integers(1, 4))):
            cell, features = self.cell(features)
            cells.append(cell)
        return cells

    def single_step(self) -> tuple[list[Any], list[Any]]:
        """A cell that is a layer, called twice with two states."""
        import keras
        from hgq.quantizer import Quantizer

        cell, units = self.cell(self.features)
        x, h = keras.Input((self.features,)), keras.Input((units,))
        y, state = cell(x, [Quantizer(self.quantizer("datalane"))(h)])
        z, state = cell(x, states=state)
        return [x, h], [y, z, state]

    def two_ways(self) -> Any:
        import keras

        name = str(self.dice.choice(["QSimpleRNN", "QGRU", "QSimpleSNN", "QLIF"]))
        walk = {**self.walk(), "go_backwards": False}
        layer, _ = self.layer(name, **walk)
        modes = ("concat", "sum", "ave", "mul", None)
        return keras.layers.Bidirectional(layer, modes[int(self.dice.integers(5))])

    def first_state(self, inputs: list[Any], units: int) -> Any:
        """Nothing, a constant, or a further input."""
        import keras
        from hgq.quantizer import Quantizer

        if self.often(0.6):
            return None
        if self.often():
            return (self.dice.integers(-8, 8, (1, units)) / 8).astype(np.float32)
        inputs.append(keras.Input((units,)))
        return [Quantizer(self.quantizer("datalane"))(inputs[-1])]

    def mask(self, inputs: list[Any]) -> Any:
        """Nothing, a constant, or one that is computed from a further input."""
        import keras
        from hgq.quantizer import Quantizer

        if self.often(0.6):
            return None
        if self.often():
            return self.dice.random((1, self.steps)) < 0.6
        inputs.append(keras.Input((self.steps, 2)))
        marked = Quantizer(self.quantizer("datalane"))(inputs[-1]) > 0.5
        return keras.ops.any(marked, axis=-1)


def classes() -> dict[str, Any]:
    """By name; hgq2 does not export all of its cells."""
    from hgq import layers
    from hgq.layers.rnn.gru import QGRUCell
    from hgq.layers.rnn.simple_rnn import QSimpleRNNCell

    names = ("QSimpleRNN", "QGRU", "QSimpleSNN", "QLIF", "QSimpleSNNCell", "QLIFCell")
    found = {name: getattr(layers, name) for name in names}
    return {**found, "QGRUCell": QGRUCell, "QSimpleRNNCell": QSimpleRNNCell}
