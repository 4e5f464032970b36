"""Recurrences: each cell's step in NumPy, and one loop for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hgq2rtl.frontends import Layer, Quantizer

from ...frontends.evaluate import quantized
from ..graphs import quantizer
from .case import COARSE, Case, relu, weights

State = np.ndarray
Step = Callable[[np.ndarray, list[State]], tuple[np.ndarray, list[State]]]

NARROW = quantizer(i=1, f=2, overflow="SAT")
"""What keeps a state within bounds."""
HARD_SIGMOID = quantizer(k=1, i=1, f=2, overflow="SAT", affine=(0.25, 0.5))


@dataclass(frozen=True)
class Cell:
    """A cell as a record, and what it does."""

    layer: Layer
    step: Step
    states: tuple[int, ...]


def cell(
    class_name: str,
    step: Callable[..., tuple[np.ndarray, np.ndarray]],
    units: int,
    config: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    quantizers: Mapping[str, Quantizer],
) -> Cell:
    """A cell with one state; `step` takes input, state, weights by name and quantizers by place."""
    used = {
        name: quantized(values, quantizers[name]) if name in quantizers else values
        for name, values in arrays.items()
    }

    def at(place: str, x: np.ndarray) -> np.ndarray:
        return quantized(x, quantizers[place]) if place in quantizers else x

    def whole_step(x: np.ndarray, states: list[State]) -> tuple[np.ndarray, list[State]]:
        y, state = step(x, states[0], used, at)
        return y, [state]

    record = Layer(
        "cell",
        class_name,
        {"units": units, **config},
        arrays,
        {place: (q,) for place, q in quantizers.items()},
    )
    return Cell(record, whole_step, (units,))


def simple(features: int, units: int, *, activation: str = "linear", **quantizers: Any) -> Cell:
    arrays = {
        "kernel": weights(features, units),
        "recurrent_kernel": weights(units, units),
        "bias": weights(units),
    }

    def step(x: Any, h: Any, used: Any, at: Any) -> tuple[np.ndarray, np.ndarray]:
        y = (
            at("input", x) @ used["kernel"]
            + used["bias"]
            + at("state", h) @ used["recurrent_kernel"]
        )
        y = at("candidate", y)
        y = relu(y) if activation == "relu" else y
        return y, y

    places = {"input": COARSE, "candidate": NARROW, **quantizers}
    return cell("QSimpleRNNCell", step, units, {"activation": activation}, arrays, places)


def gated(
    features: int,
    units: int,
    *,
    reset_after: bool,
    use_bias: bool = True,
    activations: tuple[str, str] = ("linear", "linear"),
) -> Cell:
    arrays = {"kernel": weights(features, 3 * units), "recurrent_kernel": weights(units, 3 * units)}
    if use_bias:
        arrays["bias"] = weights(2, 3 * units) if reset_after else weights(3 * units)
    functions = {"linear": lambda x: x, "relu": relu, "tanh": np.tanh}
    f, g = (functions[name] for name in activations)

    def step(x: Any, h: Any, used: Any, at: Any) -> tuple[np.ndarray, np.ndarray]:
        bias = used.get("bias", np.zeros((2, 3 * units)))
        own, recurrent = bias if reset_after else (bias if use_bias else bias[0], 0)
        h = at("state", h)
        x_z, x_r, x_h = np.split(at("input", x) @ used["kernel"] + own, 3, axis=-1)
        h_z, h_r, h_h = np.split(h @ used["recurrent_kernel"] + recurrent, 3, axis=-1)
        gates = at("gates", f(np.concatenate([x_z + h_z, x_r + h_r], axis=-1)))
        z, r = np.split(gates, 2, axis=-1)
        if reset_after:
            inner = r * at("reset_state", h_h)
        else:
            inner = at("reset_state", r * h) @ used["recurrent_kernel"][:, 2 * units :]
        h = z * h + (1 - z) * at("candidate", g(x_h + inner))
        return h, h

    places = {
        "input": COARSE,
        "state": NARROW,
        "candidate": NARROW,
        "gates": HARD_SIGMOID,
        "reset_state": COARSE,
    }
    config = {
        "activation": activations[1],
        "recurrent_activation": activations[0],
        "reset_after": reset_after,
    }
    return cell("QGRUCell", step, units, config, arrays, places)


def spiking(
    units: int,
    reset: str,
    *,
    inhibition: bool = False,
    leak: np.ndarray | None = None,
    size: Any = 1.0,
    **quantizers: Any,
) -> Cell:
    arrays = {"threshold": np.arange(1, units + 1) / 2, "graded_spikes_factor": np.array(size)}
    if leak is not None:
        arrays["beta"] = leak

    def step(x: Any, h: Any, used: Any, at: Any) -> tuple[np.ndarray, np.ndarray]:
        membrane = h * used.get("beta", 1.0) + at("input", x)
        above = membrane - used["threshold"]
        spikes = (above > 0).astype(float)
        if inhibition:
            spikes *= np.argmax(above, axis=-1)[..., None] == np.arange(units)
        output = at("output", spikes * used["graded_spikes_factor"])
        left = {
            "subtract": membrane - spikes * used["threshold"],
            "zero": membrane * (1 - spikes),
            "none": membrane,
        }
        return output, at("state", left[reset])

    config = {"reset_mechanism": reset, "inhibition": inhibition}
    name = "QSimpleSNNCell" if leak is None else "QLIFCell"
    return cell(name, step, units, config, arrays, {"input": COARSE, **quantizers})


def stacked(*cells: Cell) -> Cell:
    def step(x: np.ndarray, states: list[State]) -> tuple[np.ndarray, list[State]]:
        made, left = [], list(states)
        for one in cells:
            x, new = one.step(x, [left.pop(0) for _ in one.states])
            made += new
        return x, made

    parts = {f"cell_{n}": one.layer for n, one in enumerate(cells)}
    record = Layer("cell", "StackedRNNCells", parts=parts)
    return Cell(record, step, sum((one.states for one in cells), ()))


@dataclass(frozen=True)
class Walk:
    """A recurrent layer: its options, and what it gives."""

    cell: Cell
    options: Mapping[str, bool] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, bool]:
        names = "return_sequences return_state go_backwards unroll zero_output_for_mask".split()
        return {**dict.fromkeys(names, False), **self.options}

    @property
    def layer(self) -> Layer:
        return Layer("walk", "RNN", self.config, parts={"cell": self.cell.layer})

    def run(self, x: np.ndarray, *states: np.ndarray, mask: Any = None) -> tuple[np.ndarray, ...]:
        """Outputs, then states if wanted; `mask` is (samples, steps), or (steps,) for all."""
        count = len(x)
        zeros = [np.zeros((count, size)) for size in self.cell.states]
        held = [np.broadcast_to(s, z.shape) for s, z in zip(states or zeros, zeros, strict=True)]
        counts = np.broadcast_to(True if mask is None else mask, x.shape[:2]) != 0
        order = range(x.shape[1])[::-1] if self.config["go_backwards"] else range(x.shape[1])
        outputs: list[np.ndarray] = []
        for n in order:
            y, new = self.cell.step(x[:, n], held)
            bit = counts[:, n, None]
            y = np.where(bit, y, self.masked(y, outputs, held))
            held = [np.where(bit, a, b) for a, b in zip(new, held, strict=True)]
            outputs.append(y)
        y = np.stack(outputs, axis=1) if self.config["return_sequences"] else outputs[-1]
        return (y, *held) if self.config["return_state"] else (y,)

    def masked(self, y: np.ndarray, before: list[np.ndarray], held: list[State]) -> np.ndarray:
        if self.config["unroll"]:
            return before[-1] if before else np.zeros_like(y)
        return np.zeros_like(y) if self.config["zero_output_for_mask"] else held[-1]


def walked(
    walk: Walk,
    features: int,
    steps: int = 3,
    *,
    constants: tuple[np.ndarray, ...] = (),
    states: int = 0,
    mask: np.ndarray | None = None,
    has_mask_input: bool = False,
) -> Case:
    """A case of a recurrent layer, with first states and a mask as inputs or constants."""
    shapes = [(steps, features), *((size,) for size in walk.cell.states[:states])]
    operands = (0, *range(1, states + 1), *constants)
    if has_mask_input:
        shapes.append((steps,))

    def meaning(x: np.ndarray, *more: np.ndarray) -> Any:
        given = more[-1] if has_mask_input else mask
        made = walk.run(x, *more[:states], *constants, mask=given)
        return made if len(made) > 1 else made[0]

    return Case(
        meaning,
        tuple(shapes),
        walk.config,
        arguments={"operands": operands, "mask": len(shapes) - 1 if has_mask_input else mask},
        parts={"cell": walk.cell.layer},
        outputs=1 + len(walk.cell.states) if walk.config["return_state"] else 1,
    )


def stepped(one: Cell, features: int) -> Case:
    """A cell that is a layer: input and states in, output and states out."""

    def meaning(x: np.ndarray, *states: np.ndarray) -> tuple[np.ndarray, ...]:
        y, made = one.step(x, list(states))
        return (y, *made)

    return Case(
        meaning,
        ((features,), *((size,) for size in one.states)),
        one.layer.config,
        one.layer.arrays,
        one.layer.quantizers,
        {"operands": tuple(range(1 + len(one.states)))},
        one.layer.parts,
        outputs=1 + len(one.states),
    )


def two_ways(merge: str | None, **options: bool) -> Case:
    """A recurrence in each direction; the states of both come behind."""
    there = Walk(simple(2, 2), options)
    back = Walk(simple(2, 2, activation="relu"), {**options, "go_backwards": True})

    def meaning(x: np.ndarray) -> Any:
        y, *states = there.run(x)
        z, *more = back.run(x)
        z = z[:, ::-1] if options.get("return_sequences") else z
        joined = {
            "concat": lambda: (np.concatenate([y, z], axis=-1),),
            "sum": lambda: (y + z,),
            "ave": lambda: ((y + z) / 2,),
            "mul": lambda: (y * z,),
            None: lambda: (y, z),
        }[merge]()
        made = (*joined, *states, *more)
        return made if len(made) > 1 else made[0]

    return Case(
        meaning,
        ((3, 2),),
        {"merge_mode": merge, "return_sequences": options.get("return_sequences", False)},
        parts={"forward": there.layer, "backward": back.layer},
        outputs=(2 if merge is None else 1) + (2 if options.get("return_state") else 0),
    )


def masked(value: float) -> Case:
    def meaning(x: np.ndarray) -> np.ndarray:
        return np.where((x != value).any(axis=-1, keepdims=True), x, 0)

    return Case(meaning, ((3, 1),), {"mask_value": value})


SIMPLE = simple(3, 2)
WITH_STATE = simple(3, 2, activation="relu", state=COARSE, bias=COARSE, kernel=COARSE)
LEAKING = spiking(3, "subtract", leak=np.array([0.5, 0.25, 1.5]), state=NARROW, beta=COARSE)
GRADED = spiking(
    3, "zero", size=[0.5, 1.25, -2.0], graded_spikes_factor=COARSE, output=NARROW, inhibition=True
)
ALL = {"return_sequences": True}
STATE = {"return_state": True}
KERNEL = weights(3, 2)
DENSE = Layer("inside", "QDense", {"activation": "relu"}, {"kernel": KERNEL}, {"input": (COARSE,)})

CASES: dict[str, list[Case]] = {
    "QSimpleRNN": [
        walked(Walk(SIMPLE), 3),
        walked(Walk(SIMPLE, {**ALL, "go_backwards": True}), 3),
        walked(Walk(WITH_STATE, {**ALL, **STATE}), 3, states=1),
        walked(Walk(SIMPLE, STATE), 3, steps=1, constants=(np.array([0.5, -1.0]),)),
        walked(Walk(SIMPLE, ALL), 3, mask=np.array([True, False, True])),
        walked(Walk(SIMPLE, {**ALL, "unroll": True}), 3, mask=np.array([False, True, False])),
    ],
    "QGRU": [
        walked(Walk(gated(3, 2, reset_after=True), {**ALL, **STATE}), 3),
        walked(Walk(gated(3, 2, reset_after=True, use_bias=False)), 3, states=1),
        walked(Walk(gated(2, 3, reset_after=False), ALL), 2),
        walked(Walk(gated(2, 1, reset_after=False, use_bias=False)), 2),
        walked(Walk(gated(1, 1, reset_after=True, activations=("relu", "tanh")), ALL), 1, steps=2),
        walked(Walk(gated(2, 2, reset_after=False), ALL), 2, has_mask_input=True),
    ],
    "QSimpleSNN": [
        walked(Walk(spiking(3, reset), {**ALL, **STATE}), 3)
        for reset in ("subtract", "zero", "none")
    ],
    "QLIF": [
        walked(Walk(LEAKING, {**ALL, **STATE}), 3, steps=4),
        walked(Walk(GRADED, {**ALL, "zero_output_for_mask": True}), 3, has_mask_input=True),
        walked(Walk(LEAKING, {**ALL, "go_backwards": True}), 3, has_mask_input=True),
        walked(Walk(LEAKING, {"unroll": True}), 3, has_mask_input=True),
    ],
    "RNN": [walked(Walk(stacked(SIMPLE, gated(2, 3, reset_after=True), LEAKING), STATE), 3)],
    "SimpleRNN": [walked(Walk(simple(2, 1, activation="relu")), 2)],
    "QSimpleRNNCell": [stepped(SIMPLE, 3), stepped(WITH_STATE, 3)],
    "QGRUCell": [stepped(gated(3, 2, reset_after=True), 3)],
    "QSimpleSNNCell": [stepped(GRADED, 3)],
    "QLIFCell": [stepped(LEAKING, 3)],
    "StackedRNNCells": [stepped(stacked(SIMPLE, simple(2, 2), spiking(2, "zero")), 3)],
    "Bidirectional": [
        two_ways("concat"),
        two_ways("sum", return_sequences=True),
        two_ways("ave", return_sequences=True, return_state=True),
        two_ways("mul"),
        two_ways(None, return_sequences=True, return_state=True),
    ],
    "TimeDistributed": [
        Case(
            lambda x: relu(quantized(x, COARSE) @ KERNEL),
            ((4, 3),),
            parts={"layer": DENSE},
        ),
        Case(
            lambda x: np.stack([Walk(SIMPLE).run(x[:, n])[0] for n in range(2)], axis=1),
            ((2, 3, 3),),
            parts={"layer": Walk(SIMPLE).layer},
        ),
    ],
    "Masking": [masked(0.0), masked(-1.5)],
}
"""Cases for each class."""
