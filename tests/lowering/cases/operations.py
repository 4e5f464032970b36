"""Operations of Keras: element by element, and those that move elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .case import Case
from .merges import CONSTANT, with_constants


def unary(function: Callable[..., Any]) -> list[Case]:
    given = {"operands": (0,)}
    return [Case(function, ((2, 3),), arguments=given)]


def binary(function: Callable[..., Any], constant: np.ndarray = CONSTANT) -> list[Case]:
    given = {"operands": (0, 1)}
    spread = Case(function, ((2, 3), (1, 3)), arguments=given)
    return [spread, *with_constants(function, constant)]


def by_constant(function: Callable[..., Any], *constants: Any) -> list[Case]:
    """The second operand constant: a number, or one for each element."""
    return [
        Case(lambda x, c=c: function(x, c), arguments={"operands": (0, np.asarray(c))})
        for c in constants
    ]


def whole(case: Case) -> Case:
    """The same on whole numbers."""
    as_integers = lambda *x: case.meaning(*(each.astype(int) for each in x))  # noqa: E731
    return replace(case, meaning=as_integers, is_whole=True)


def moved(function: Callable[..., Any], *shapes: tuple[int, ...], **config: Any) -> list[Case]:
    """A NumPy function with the batch axis."""
    return [
        Case(
            lambda *x: function(*x, **config),
            shapes,
            config,
            arguments={"operands": tuple(range(len(shapes)))},
        )
    ]


def joined(function: Callable[..., Any], **config: Any) -> list[Case]:
    return moved(lambda *x, **options: function(x, **options), (2, 3), (2, 3), **config)


def cut(function: Callable[..., Any], pieces: int, **config: Any) -> list[Case]:
    (case,) = moved(lambda x, **options: tuple(function(x, **options)), (4, 3, 4), **config)
    return [Case(case.meaning, case.shapes, config, arguments=case.arguments, outputs=pieces)]


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x < 0, x * 0.25, x)


def hot(x: np.ndarray) -> np.ndarray:
    return (x[:, None] == np.arange(3).reshape(3, 1)) * 1.0


BITS = np.array([3, -2, 0, 5])
TAKEN = np.array([[2, 0], [-1, 1]])
ALONG = np.array([[[2, 0, 1], [0, 0, 2]]])

CASES: dict[str, list[Case]] = {
    "Absolute": unary(np.abs),
    "Ceil": unary(np.ceil),
    "Floor": unary(np.floor),
    "LogicalNot": unary(np.logical_not),
    "Negative": unary(np.negative),
    "OnesLike": unary(np.ones_like),
    "Relu6": unary(lambda x: np.clip(x, 0, 6)),
    "Round": unary(np.round),
    "Sign": unary(np.sign),
    "Square": unary(np.square),
    "Trunc": unary(np.trunc),
    "ZerosLike": unary(np.zeros_like),
    "Equal": binary(np.equal),
    "Greater": binary(np.greater),
    "GreaterEqual": binary(np.greater_equal),
    "Less": binary(np.less),
    "LessEqual": binary(np.less_equal),
    "LogicalAnd": binary(np.logical_and),
    "LogicalOr": binary(np.logical_or),
    "LogicalXor": binary(np.logical_xor),
    "NotEqual": binary(np.not_equal),
    "BitwiseAnd": [whole(case) for case in binary(np.bitwise_and, BITS)],
    "BitwiseNot": [whole(case) for case in unary(np.invert)],
    "BitwiseOr": [whole(case) for case in binary(np.bitwise_or, BITS)],
    "BitwiseXor": [whole(case) for case in binary(np.bitwise_xor, BITS)],
    "LeftShift": [whole(case) for case in by_constant(np.left_shift, 2, [0, 1, 3, 2])],
    "RightShift": [whole(case) for case in by_constant(np.right_shift, 2, [0, 1, 3, 2])],
    "Divide": by_constant(np.divide, 4.0, -0.5, [2.0, 0.25, 1.0, -8.0]),
    "FloorDivide": by_constant(np.floor_divide, 2.0, 3.0, -0.75, [0.5, 3.0, -1.0, 5.0]),
    "Fmod": by_constant(np.fmod, 2.0, 0.75, [0.5, 3.0, -1.0, 5.0]),
    "FullLike": by_constant(lambda x, c: np.full_like(x, c), 2.5),
    "Mod": by_constant(np.mod, 2.0, -3.0, [0.5, 3.0, -1.0, 5.0]),
    "Power": by_constant(np.power, 2.0, 1.0, 0.0, 3.0, 5.0),
    "Select": [
        Case(
            lambda x, y: np.select([x != 0, y != 0], [y, CONSTANT], -1.5),
            ((4,), (4,)),
            arguments={"operands": (0, 1, 1, CONSTANT, np.array(-1.5))},
        )
    ],
    "Where": [
        Case(
            lambda x, y: np.where(x, y, -1.5),
            ((4,), (4,)),
            arguments={"operands": (0, 1, np.array(-1.5))},
        ),
        Case(
            lambda x, y: np.where(CONSTANT > 0, x, y),
            ((4,), (4,)),
            arguments={"operands": (CONSTANT > 0, 0, 1)},
        ),
    ],
    "Clip": [
        Case(lambda x: np.clip(x, -1.25, 2), config={"x_min": -1.25, "x_max": 2}),
        Case(lambda x: np.maximum(x, 0.5), config={"x_min": 0.5, "x_max": None}),
    ],
    "LeakyRelu": [Case(leaky, config={"negative_slope": 0.25})],
    "Cast": [
        Case(lambda x: x != 0, config={"dtype": "bool"}),
        Case(np.trunc, config={"dtype": "int32"}),
        Case(lambda x: x, config={"dtype": "float32"}),
    ],
    "OneHot": [Case(hot, ((2,),), {"num_classes": 3, "axis": 0})],
    # -- moves ---------------------------------------------------------------------
    "ArraySplit": cut(np.array_split, 3, indices_or_sections=3, axis=1),
    "Diagonal": moved(np.diagonal, (3, 4), offset=-1, axis1=1, axis2=2),
    "Dsplit": cut(np.dsplit, 2, indices_or_sections=(1,)),
    "Dstack": joined(np.dstack),
    "Flip": moved(np.flip, (2, 3), axis=(1, 2)),
    "Fliplr": moved(np.fliplr, (4,)),
    "Hsplit": cut(np.hsplit, 2, indices_or_sections=2),
    "Hstack": joined(np.hstack),
    "Pad": [
        *moved(
            np.pad, (2, 3), pad_width=((0, 0), (1, 2), (0, 1)), mode="constant", constant_values=1.5
        ),
        *moved(np.pad, (2, 3), pad_width=((0, 0), (1, 2), (0, 1)), mode="reflect"),
    ],
    "Repeat": moved(np.repeat, (2, 3), repeats=2, axis=1),
    "Roll": moved(np.roll, (2, 3), shift=(1, -1), axis=(1, 2)),
    "Rot90": moved(np.rot90, (2, 3), k=3, axes=(1, 2)),
    "Split": cut(np.split, 3, indices_or_sections=(1, 3), axis=-1),
    "Stack": joined(np.stack, axis=2),
    "Take": [
        Case(
            lambda x: np.take(x, TAKEN, 1),
            ((3, 2),),
            {"axis": 1},
            arguments={"operands": (0, TAKEN)},
        )
    ],
    "TakeAlongAxis": [
        Case(
            lambda x: np.take_along_axis(x, ALONG, 2),
            ((2, 4),),
            {"axis": 2},
            arguments={"operands": (0, ALONG)},
        )
    ],
    "Tile": [
        Case(
            lambda x: np.tile(x, (1, 2, 3)),
            ((2, 3),),
            {"repeats": (1, 2, 3)},
            arguments={"operands": (0,)},
        )
    ],
    "Tril": moved(np.tril, (3, 4), k=1),
    "Triu": moved(np.triu, (3, 4), k=-1),
    "Unstack": [
        Case(lambda x: (x[:, :, 0], x[:, :, 1]), ((3, 2),), {"axis": 1}, outputs=2),
    ],
}
