"""Merges and reductions of HGQ and Keras, and operations along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...frontends.evaluate import quantized
from ..graphs import quantizer
from .case import COARSE, Case, relu

OUT = quantizer(k=[1, 0, 1, 1], i=[2, 3, 0, -2], f=[0, 1, 2, 1], overflow="SAT")
"""A format for each of four; the last has no bits."""
CONSTANT = np.array([0.5, -1.25, 0.0, 3.0])


def merges(function: Callable[..., Any], layer: bool = True) -> list[Case]:
    """`function` of two tensors, with and without quantizers, and with constants."""
    several = [
        Case(function, ((4,), (4,))),
        Case(function, ((2, 3), (1, 3))),
        Case(
            lambda x, y: quantized(relu(function(quantized(x, COARSE), quantized(y, OUT))), OUT),
            ((4,), (4,)),
            {"activation": "relu"},
            quantizers={"input": (COARSE, OUT), "output": (OUT,)},
        ),
    ]
    return several if layer else [*several[:2], *with_constants(function)]


def with_constants(function: Callable[..., Any], constant: np.ndarray = CONSTANT) -> list[Case]:
    """A constant on either side."""
    return [
        Case(lambda x: function(x, constant), arguments={"operands": (0, constant)}),
        Case(lambda x: function(constant, x), arguments={"operands": (constant, 0)}),
        Case(lambda x, y: function(y, x), ((2, 3), (2, 3)), arguments={"operands": (1, 0)}),
    ]


def three(function: Callable[..., Any]) -> Case:
    return Case(lambda x, y, z: function(function(x, y), z), ((2, 4), (1, 4), (2, 1)))


MERGES = {
    "Add": np.add,
    "Multiply": np.multiply,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
}
AVERAGED = [
    Case(lambda x, y: (x + y) / 2, ((4,), (4,))),
    Case(lambda *x: sum(x) / 4, ((2, 3),) * 4),
    Case(
        lambda x, y, z: quantized((x + y + z) / 3, COARSE),
        ((4,),) * 3,
        quantizers={"output": (COARSE,)},
    ),
]
POWER_OF_TWO = [
    *AVERAGED[:2],
    Case(lambda x, y, z: (x + y + z) / 4, ((4,),) * 3),
    Case(lambda *x: sum(x) / 8, ((2,),) * 6),
]


def contraction(equation: str, *shapes: tuple[int, ...]) -> Case:
    """An equation without the batch, of quantized tensors."""
    terms, result = equation.split("->")
    batched = ",".join(f"Z{term}" for term in terms.split(","))

    def meaning(*x: np.ndarray) -> np.ndarray:
        return np.einsum(f"{batched}->Z{result}", *(quantized(each, COARSE) for each in x))

    return Case(meaning, shapes, {"equation": equation}, quantizers={"input": (COARSE,) * 3})


DOTS = [
    Case(lambda x, y: (x * y).sum(-1, keepdims=True), ((4,), (4,)), {"equation": "a,a->"}),
    contraction("ab,cb->ac", (2, 3), (4, 3)),
]
MATRIX = np.array([[1.0, 0.5], [0.0, -2.0], [0.25, 3.0]])
EINSUMS = [
    contraction("ab,bc->ac", (2, 3), (3, 4)),
    contraction("a,b->ab", (2,), (3,)),
    contraction("ab,ac,b->c", (2, 3), (2, 4), (3,)),
    contraction("aa->a", (3, 3)),
]


def reduced(function: Callable[..., Any], wanted: Any = None, **more: Any) -> list[Case]:
    """Over one axis, and over both keeping them."""
    wanted = wanted or function
    return [
        Case(lambda x: wanted(x, axis=2), ((2, 4),), {"axis": (1,), "keepdims": False, **more}),
        Case(
            lambda x: wanted(x, axis=(1, 2), keepdims=True),
            ((2, 2),),
            {"axis": (0, 1), "keepdims": True, **more},
        ),
    ]


def placed(function: Callable[..., Any]) -> list[Case]:
    return [
        Case(lambda x: function(x, 1), ((5, 2),), {"axis": (0,), "keepdims": False}),
        Case(lambda x: function(x, -1, keepdims=True), ((2, 3),), {"axis": (1,), "keepdims": True}),
    ]


def counted(x: np.ndarray, **options: Any) -> np.ndarray:
    return np.count_nonzero(x, **options)


SUMS = [
    Case(
        lambda x: quantized(x, COARSE).sum((1, 2)) * 0.25,
        ((3, 2, 2),),
        {"axes": (0, 1), "scale": 0.25, "keepdims": False},
        quantizers={"input": (COARSE,)},
    ),
    Case(
        lambda x: x.sum(2, keepdims=True) * 2,
        ((3, 2),),
        {"axes": (1,), "scale": 2.0, "keepdims": True},
    ),
]
PLACES = np.array([3, 1, 0, 2])

CASES: dict[str, list[Case]] = {
    **{name: [*merges(f, layer=False), three(f)] for name, f in MERGES.items()},
    **{f"Q{name}": [*merges(f), three(f)] for name, f in MERGES.items() if name != "Add"},
    "Subtract": merges(np.subtract, layer=False),
    "QSubtract": merges(np.subtract),
    "Average": AVERAGED,
    "QAveragePow2": POWER_OF_TWO,
    "Dot": DOTS,
    "QDot": DOTS,
    "QEinsum": EINSUMS,
    "Einsum": [
        *EINSUMS,
        Case(
            lambda x: x @ MATRIX,
            ((4, 3),),
            {"equation": "ab,bc->ac"},
            arguments={"operands": (0, MATRIX)},
        ),
        Case(
            lambda x, y: np.einsum("ab,Zbc,Zcd->Zad", MATRIX, y, x),
            ((3, 2), (2, 3)),
            {"equation": "ab,bc,cd->ad"},
            arguments={"operands": (MATRIX, 1, 0)},
        ),
    ],
    "RepeatVector": [
        Case(lambda x: np.repeat(x[:, None], 3, 1), config={"n": 3}),
    ],
    "QSum": SUMS,
    "QMeanPow2": SUMS,
    "All": reduced(np.all),
    "Any": reduced(np.any),
    "Argmax": placed(np.argmax),
    "Argmin": placed(np.argmin),
    "CountNonzero": reduced(counted),
    "Max": [
        *reduced(np.max),
        *reduced(np.max, lambda x, **o: np.maximum(np.max(x, **o), 1.5), initial=1.5),
    ],
    "Mean": reduced(np.mean),
    "Median": reduced(np.median),
    "Min": [
        *reduced(np.min),
        *reduced(np.min, lambda x, **o: np.minimum(np.min(x, **o), -1.5), initial=-1.5),
    ],
    "Prod": reduced(np.prod),
    "Ptp": reduced(np.ptp),
    "Sum": reduced(np.sum),
    "Var": reduced(np.var),
    "Sort": [
        Case(lambda x: np.sort(x, 1), ((5, 2),), {"axis": 0}),
        Case(lambda x: np.sort(x), ((3,),), {"axis": 0}),
    ],
    "Argsort": [
        Case(lambda x: np.argsort(x, 1, kind="stable"), ((5, 2),), {"axis": 0}),
    ],
    "TopK": [
        Case(
            lambda x: (
                -np.sort(-x)[..., :3],
                np.argsort(-x, kind="stable")[..., :3],
            ),
            ((2, 5),),
            {"axis": 1, "k": 3},
            outputs=2,
        )
    ],
    "Cumsum": [Case(lambda x: np.cumsum(x, 1), ((4, 2),), {"axis": 0})],
    "Diff": [
        Case(lambda x: np.diff(x, 2, 1), ((4, 2),), {"axis": 0, "n": 2}),
        Case(lambda x: x, config={"axis": 0, "n": 0}),
    ],
    "Trace": [
        Case(lambda x: np.trace(x, 1, 1, 2), ((3, 4),), {"offset": 1, "axis1": 0, "axis2": 1})
    ],
}
