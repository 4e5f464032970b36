"""Operations of Keras between layers, against Keras' own inference of the saved file.

Each group is one model with an output for each operation: x and y are (3, 4), v is (4,).
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from hgq2rtl.frontends import read
from hgq2rtl.ir.interpreter import Interpreter
from hgq2rtl.lowering import FormatWish, lower
from hgq2rtl.passes import run_passes

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
ops = keras.ops

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4) / 4 - 1
WHOLE = np.array([3, -2, 0, 1], np.int32)
SHAPES = {"x": (3, 4), "y": (3, 4), "v": (4,)}


def whole(x):
    return ops.cast(x, "int32")


GROUPS = {
    "arithmetic": {
        "add": lambda x, y, v: x + 1,
        "reflected": lambda x, y, v: 2.5 - x,
        "array": lambda x, y, v: x + ROWS,
        "array in front": lambda x, y, v: ops.subtract(ROWS, x),
        "array with a batch axis": lambda x, y, v: x * ROWS[None],
        "array that spreads": lambda x, y, v: v[:, None] * ROWS[0],
        "product": lambda x, y, v: x * y,
        "spread": lambda x, y, v: x + v[:, None, :],
        "power": lambda x, y, v: x**3,
        "power of zero": lambda x, y, v: x**0,
        "quotient": lambda x, y, v: x / 4,
        "negative quotient": lambda x, y, v: x / -0.5,
        "floor": lambda x, y, v: x // 2,
        "floor by three": lambda x, y, v: x // 3,
        "floor by a fraction": lambda x, y, v: x // -0.75,
        "modulo": lambda x, y, v: x % 4,
        "modulo of three": lambda x, y, v: ops.mod(x, -3.0),
        "remainder": lambda x, y, v: ops.fmod(x, 2.5),
        "negative": lambda x, y, v: -x,
        "absolute": lambda x, y, v: abs(x),
        "square": lambda x, y, v: ops.square(x),
        "sign": lambda x, y, v: ops.sign(x),
        "floor to whole": lambda x, y, v: ops.floor(x),
        "ceil": lambda x, y, v: ops.ceil(x),
        "trunc": lambda x, y, v: ops.trunc(x),
        "round": lambda x, y, v: ops.round(x),
        "maximum": lambda x, y, v: ops.maximum(x, y),
        "minimum": lambda x, y, v: ops.minimum(0.3, x),
        "fmax": lambda x, y, v: ops.fmax(x, ROWS),
        "clip": lambda x, y, v: ops.clip(x, -1.3, 2),
        "relu6": lambda x, y, v: ops.relu6(x),
        "leaky": lambda x, y, v: ops.leaky_relu(x, 0.25),
        "stopped": lambda x, y, v: ops.stop_gradient(ops.copy(x)),
        "converted": lambda x, y, v: ops.convert_to_tensor(x) + 0,
        "ones": lambda x, y, v: ops.ones_like(x) + x,
        "zeros": lambda x, y, v: ops.zeros_like(x) + x,
        "full": lambda x, y, v: ops.full_like(x, 2.5) * x,
    },
    "truth": {
        "greater": lambda x, y, v: ops.cast(v[:, 0] > 1, "float32"),
        "relations": lambda x, y, v: ops.stack(
            [
                ops.cast(f(x, y), "float32")
                for f in (ops.less, ops.less_equal, ops.equal, ops.not_equal, ops.greater_equal)
            ],
            axis=1,
        ),
        "logic": lambda x, y, v: ops.where(((x > 1) & (y > 1)) | ~(x < y) ^ (x >= 0), x, y),
        "logic of numbers": lambda x, y, v: ops.cast(ops.logical_and(x, y), "int32"),
        "not": lambda x, y, v: ops.where(ops.logical_not(x), 1.0, y),
        "sum of truth": lambda x, y, v: ops.cast((x > 1) + (y > 1), "float32"),
        "product of truth": lambda x, y, v: ops.cast(ops.multiply(x > 1, y > 1), "float32"),
        "greatest truth": lambda x, y, v: ops.cast(ops.maximum(x > 1, y > 1), "float32"),
        "truth times number": lambda x, y, v: ops.multiply(x > 1, y),
        "count": lambda x, y, v: ops.sum(x > 1, axis=1),
        "count nonzero": lambda x, y, v: ops.count_nonzero(x > 1, axis=2),
        "mean of truth": lambda x, y, v: ops.mean(x > 1, axis=2),
        "any": lambda x, y, v: ops.cast(ops.any(x > 3, axis=(1, 2)), "float32"),
        "all": lambda x, y, v: ops.cast(ops.all(x > -3, axis=2, keepdims=True), "float32"),
        "where": lambda x, y, v: ops.where(x > 0, x, 0.1),
        "where of arrays": lambda x, y, v: ops.where(ROWS > 0, x, y),
        "select": lambda x, y, v: ops.select([x > 1, x > 0], [x, y], -1.5),
        "complement of truth": lambda x, y, v: ops.cast(ops.bitwise_not(x > 1), "float32"),
    },
    "integers": {
        "cast": lambda x, y, v: whole(x),
        "bool": lambda x, y, v: ops.cast(ops.cast(x, "bool"), "float32"),
        "and": lambda x, y, v: ops.bitwise_and(whole(x), WHOLE),
        "or": lambda x, y, v: ops.bitwise_or(whole(x), whole(y)),
        "xor": lambda x, y, v: ops.bitwise_xor(whole(x), WHOLE),
        "not": lambda x, y, v: ops.bitwise_invert(whole(x)),
        "left": lambda x, y, v: ops.left_shift(whole(x), 2),
        "right": lambda x, y, v: ops.right_shift(whole(x), np.array([1, 2, 0, 1], np.int32)),
        "floor": lambda x, y, v: whole(x) // 3,
        "modulo": lambda x, y, v: whole(x) % 3,
        "quotient": lambda x, y, v: whole(x) / 4,
        "plus": lambda x, y, v: whole(x) * 3 + 1,
        "one hot": lambda x, y, v: ops.one_hot(whole(x), 3),
        "one hot in front": lambda x, y, v: ops.one_hot(ops.argmax(x, axis=-1), 4, axis=1),
    },
    "reductions": {
        "sum": lambda x, y, v: ops.sum(x, axis=(1, 2)),
        "sum kept": lambda x, y, v: ops.sum(x, axis=-1, keepdims=True),
        "mean": lambda x, y, v: ops.mean(x, axis=-1),
        "max": lambda x, y, v: ops.max(x, axis=1),
        "max from": lambda x, y, v: ops.max(x, axis=1, initial=1.0),
        "min from": lambda x, y, v: ops.min(x, axis=1, initial=1.0),
        "amin": lambda x, y, v: ops.amin(x, axis=(1, 2), keepdims=True),
        "amax": lambda x, y, v: ops.amax(x, axis=-1),
        "prod": lambda x, y, v: ops.prod(x, axis=1),
        "argmax": lambda x, y, v: ops.argmax(x, axis=-1),
        "argmin kept": lambda x, y, v: ops.argmin(x, axis=1, keepdims=True),
        "median": lambda x, y, v: ops.median(x, axis=1),
        "median of all": lambda x, y, v: ops.median(x, axis=(1, 2), keepdims=True),
        "spread": lambda x, y, v: ops.ptp(x, axis=1),
        "average": lambda x, y, v: ops.average(x, axis=2),
        "variance": lambda x, y, v: ops.var(x, axis=2),
        "sort": lambda x, y, v: ops.sort(x, axis=1),
        "argsort": lambda x, y, v: ops.argsort(x),
        "top values": lambda x, y, v: ops.top_k(x, 2)[0],
        "top places": lambda x, y, v: ops.top_k(x, 3)[1],
        "cumsum": lambda x, y, v: ops.cumsum(x, axis=1),
        "diff": lambda x, y, v: ops.diff(x, n=2, axis=-1),
        "trace": lambda x, y, v: ops.trace(x, axis1=1, axis2=2),
        "trace above": lambda x, y, v: ops.trace(x, offset=-1, axis1=2, axis2=1),
    },
    "products": {
        "by a constant": lambda x, y, v: ops.matmul(x, ROWS.T),
        "constant in front": lambda x, y, v: ops.matmul(ROWS[:, :3], x),
        "by a vector": lambda x, y, v: ops.matmul(x, ROWS[1]),
        "of a vector": lambda x, y, v: ops.matmul(v, ROWS.T),
        "two": lambda x, y, v: x @ ops.transpose(y, (0, 2, 1)),
        "spread": lambda x, y, v: ops.matmul(x[:, None], ROWS.T[None, None]),
        "dot": lambda x, y, v: ops.dot(x, ROWS.T),
        "dot by a number": lambda x, y, v: ops.dot(x, 2.0),
        "inner": lambda x, y, v: ops.inner(x, ROWS),
        "outer": lambda x, y, v: ops.outer(v[:, 1], ROWS),
        "tensordot": lambda x, y, v: ops.tensordot(x, ROWS.T, axes=1),
        "tensordot of axes": lambda x, y, v: ops.tensordot(x, ROWS, axes=[[1, 2], [0, 1]]),
        "einsum": lambda x, y, v: ops.einsum("bij,bkj->bik", x, y),
        "einsum by a constant": lambda x, y, v: ops.einsum("...i,ij->...j", x, ROWS.T),
        "einsum of three": lambda x, y, v: ops.einsum("bij,bkj,bj->bki", x, y, v),
        "einsum sums": lambda x, y, v: ops.einsum("bij->bj", x),
        "einsum transposes": lambda x, y, v: ops.einsum("bij->bji", x),
        "einsum diagonal": lambda x, y, v: ops.einsum("bii->bi", x[:, :, :3]),
        "einsum without a result": lambda x, y, v: ops.einsum("aij,j", x, ROWS[0]),
    },
    "moves": {
        "take": lambda x, y, v: ops.take(x, [0, -1, 0], axis=2),
        "take one": lambda x, y, v: ops.take(x, 1, axis=-1),
        "take a matrix": lambda x, y, v: ops.take(x, np.array([[0, 2], [1, 1]]), axis=1),
        "take along": lambda x, y, v: ops.take_along_axis(x, WHOLE[None, None] % 3, axis=1),
        "stack": lambda x, y, v: ops.stack([x, y, x], axis=-1),
        "hstack": lambda x, y, v: ops.hstack([x, y]),
        "dstack": lambda x, y, v: ops.dstack([x, y]),
        "concatenate": lambda x, y, v: ops.concatenate([x, y], axis=-2),
        "pad": lambda x, y, v: ops.pad(x, ((0, 0), (1, 1), (0, 2))),
        "pad with": lambda x, y, v: ops.pad(x, ((0, 0), (0, 1), (2, 0)), constant_values=1.5),
        "pad edge": lambda x, y, v: ops.pad(x, ((0, 0), (1, 2), (0, 0)), mode="edge"),
        "pad reflect": lambda x, y, v: ops.pad(x, ((0, 0), (2, 1), (3, 0)), mode="reflect"),
        "pad symmetric": lambda x, y, v: ops.pad(x, ((0, 0), (2, 1), (3, 0)), mode="symmetric"),
        "repeat": lambda x, y, v: ops.repeat(x, 2, axis=1),
        "tile": lambda x, y, v: ops.tile(x, (1, 2, 3)),
        "flip": lambda x, y, v: ops.flip(x, axis=(1, 2)),
        "fliplr": lambda x, y, v: ops.fliplr(x),
        "roll": lambda x, y, v: ops.roll(x, -1, axis=1),
        "roll two": lambda x, y, v: ops.roll(x, (1, 2), axis=(1, 2)),
        "diagonal": lambda x, y, v: ops.diagonal(x, offset=1, axis1=1, axis2=2),
        "tril": lambda x, y, v: ops.tril(x, -1),
        "triu": lambda x, y, v: ops.triu(x),
        "moveaxis": lambda x, y, v: ops.moveaxis(x[:, None], (1, 3), (3, 2)),
        "swapaxes": lambda x, y, v: ops.swapaxes(x, -1, 1),
        "transpose": lambda x, y, v: ops.transpose(x, (0, 2, 1)),
        "squeeze": lambda x, y, v: ops.squeeze(ops.expand_dims(x, (1, 3)), (1, 3)),
        "expand": lambda x, y, v: ops.expand_dims(x, (-1, 1)),
        "reshape": lambda x, y, v: ops.reshape(x, (-1, 2, 6)),
        "split": lambda x, y, v: ops.split(x, 2, axis=2)[1],
        "split at": lambda x, y, v: ops.split(x, [1, 3], axis=-1)[1],
        "array split": lambda x, y, v: ops.array_split(x, 3, axis=2)[0],
        "hsplit": lambda x, y, v: ops.hsplit(x, [1])[1],
        "unstack": lambda x, y, v: ops.unstack(x, axis=-1)[2],
        "slice": lambda x, y, v: x[:, ::-1, -3:-1],
        "slice with an axis": lambda x, y, v: x[..., None, 1],
    },
}


def numbers(samples=200, seed=0):
    """Multiples of 1/8 from -8 to 7.875, some equal to each other."""
    dice = np.random.default_rng(seed)
    arrays = [dice.integers(-64, 64, (samples, *shape)) / 8 for shape in SHAPES.values()]
    arrays[0][: samples // 4] = np.floor(arrays[0][: samples // 4])
    arrays[1][::3] = arrays[0][::3]
    return arrays


def saved(path, functions):
    """A file with one output for each function, and what Keras makes of `numbers`."""
    inputs = [keras.Input(shape, name=name) for name, shape in SHAPES.items()]
    keras.Model(inputs, [function(*inputs) for function in functions]).save(path)
    model = keras.models.load_model(path)
    made = model([a.astype(np.float32) for a in numbers()])
    return [np.asarray(y, np.float64) for y in (made if isinstance(made, list) else [made])]


def predicted(path):
    wishes = dict.fromkeys(SHAPES, FormatWish(1, 3, 3))
    return Interpreter(run_passes(lower(read(path), wishes))).predict(numbers())


@pytest.mark.parametrize("group", GROUPS)
def test_operations_are_those_of_keras(group, tmp_path):
    """Catches an axis, an option or a constant that is read wrong, and a wrong rounding."""
    wanted = saved(tmp_path / "m.keras", GROUPS[group].values())
    got = predicted(tmp_path / "m.keras")
    for name, mine, keras_result in zip(GROUPS[group], got, wanted, strict=True):
        assert mine.shape == keras_result.shape, name
        assert np.array_equal(mine, keras_result), name
