"""Functions of single numbers, by the names that Keras and NumPy give them.

In floats each is evaluated in float64 and rounded once to the float type of its argument, so
that a table's entry is the right one of its type. What is straight between a few exact
numbers (relu6, hard_tanh, ...) is also arithmetic on wires, and needs no table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import numpy as np

from ..errors import BadOption, UnsupportedLayer
from .fixed_array import FixedArray
from .layer import LoweringLayer

F = TypeVar("F", bound=Callable[..., Any])
ArrayFunction = Callable[[np.ndarray], np.ndarray]
"""Takes and gives float arrays of one type, element by element."""

FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {}
"""On float64 arrays; parameters by name, with Keras' defaults."""
ON_WIRES: dict[str, Callable[..., FixedArray]] = {}
"""The same, exactly, on wires."""


def applied(
    layer: LoweringLayer, x: FixedArray, name: str, parameters: Mapping[str, Any] | None = None
) -> FixedArray:
    """The function of every element: exact where it can be, else open until a quantizer follows.

    Parameters
    ----------
    name : str
        Of Keras, of NumPy, or ``package>name`` of a function that the user gave.

    Raises
    ------
    UnsupportedLayer
        If the function is not known.
    """
    if name in ON_WIRES and name not in layer.functions:
        return ON_WIRES[name](x, **(parameters or {}))
    return x.apply(function_named(name, layer, parameters))


def function_named(
    name: str, layer: LoweringLayer, parameters: Mapping[str, Any] | None = None
) -> ArrayFunction:
    """A function of float arrays.

    Raises
    ------
    UnsupportedLayer
        If no function of that name is known or given.
    """
    if name in layer.functions:
        return partial(_given, layer.functions[name], name, layer.where)
    if name in FUNCTIONS:
        return in_float64(FUNCTIONS[name], **(parameters or {}))
    if ">" in name or name.isidentifier():
        raise UnsupportedLayer(
            f"{layer.where}: the function {name!r} is the model author's own, and no code of a "
            f'model file is ever run. Give it: functions={{"{name}": f}} in Python, or '
            "--functions FILE.py."
        )
    raise UnsupportedLayer(
        f"{layer.where}: activation {name!r} is not the name of a function. "
        "Use one of Keras' activations."
    )


def in_float64(function: Callable[..., Any], **parameters: Any) -> ArrayFunction:
    """A function that is evaluated in float64, rounded to the type of its argument."""
    return partial(_rounded, function, parameters)


def _rounded(function: Callable[..., Any], parameters: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """In float64, then to the type of `x`; parameters are numbers of that type too."""
    kind = x.dtype.type
    numbers = {
        name: float(kind(value)) if isinstance(value, float) else value
        for name, value in parameters.items()
    }
    with np.errstate(all="ignore"):
        return np.asarray(function(x.astype(np.float64), **numbers)).astype(kind)


def _given(function: Callable[..., Any], name: str, where: str, x: np.ndarray) -> Any:
    """A user's function, whose failures are the user's to see."""
    try:
        return function(x)
    except Exception as problem:
        raise BadOption(
            f"{where}: the given function {name!r} fails on an array of shape {x.shape}: "
            f"{type(problem).__name__}: {problem}"
        ) from problem


def function(*names: str) -> Callable[[F], F]:
    """Register a function of float64 arrays."""

    def register(made: F) -> F:
        FUNCTIONS.update(dict.fromkeys(names, made))
        return made

    return register


def on_wires(*names: str) -> Callable[[F], F]:
    """Register the exact form of a function."""

    def register(made: F) -> F:
        ON_WIRES.update(dict.fromkeys(names, made))
        return made

    return register


# -- NumPy's own -----------------------------------------------------------------

_NUMPY = """arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil cos cosh deg2rad exp exp2 expm1
    floor i0 log log10 log1p log2 rad2deg reciprocal rint sign sin sinc sinh sqrt square tan tanh
    trunc"""
FUNCTIONS.update({name: getattr(np, name) for name in _NUMPY.split()})
FUNCTIONS.update({"exponential": np.exp, "round": np.rint, "negative": np.negative})
FUNCTIONS.update(dict.fromkeys(("abs", "absolute"), np.abs))

_EXACT = "ceil floor rint sign square trunc"
"""Of these, NumPy's functions on wires are exact."""
ON_WIRES.update({name: getattr(np, name) for name in _EXACT.split()})
ON_WIRES.update({"round": np.rint, "negative": np.negative})
ON_WIRES.update(dict.fromkeys(("abs", "absolute"), np.abs))

_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


@function("erf")
def erf(x: np.ndarray) -> np.ndarray:
    return np.asarray(_erf(x), np.float64)


@function("erfc")
def erfc(x: np.ndarray) -> np.ndarray:
    return np.asarray(_erfc(x), np.float64)


@function("rsqrt")
def rsqrt(x: np.ndarray) -> np.ndarray:
    return 1 / np.sqrt(x)


# -- straight lines --------------------------------------------------------------


@function("linear")
@on_wires("linear")
def linear(x: Any) -> Any:
    return x


@function("relu")
def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


@on_wires("relu")
def _relu_on_wires(x: FixedArray) -> FixedArray:
    return x.relu()


@function("relu6")
@on_wires("relu6")
def relu6(x: Any) -> Any:
    return np.clip(x, 0, 6)


@function("leaky_relu")
def leaky_relu(x: np.ndarray, negative_slope: float = 0.2) -> np.ndarray:
    return np.where(x >= 0, x, negative_slope * x)


@function("hard_tanh")
@on_wires("hard_tanh")
def hard_tanh(x: Any) -> Any:
    return np.clip(x, -1, 1)


@function("hard_shrink")
@on_wires("hard_shrink")
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    return np.where(abs(x) > threshold, x, 0)


@function("soft_shrink")
def soft_shrink(x: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    return np.where(x > threshold, x - threshold, np.where(x < -threshold, x + threshold, 0))


@function("threshold")
@on_wires("threshold")
def threshold(x: Any, threshold: float = 0.0, default_value: float = 0.0) -> Any:
    return np.where(x > threshold, x, default_value)


@function("sparse_sigmoid")
@on_wires("sparse_sigmoid")
def sparse_sigmoid(x: Any) -> Any:
    return np.clip((x + 1) / 2, 0, 1)


@function("hard_sigmoid")
def hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.clip(x + 3, 0, 6) / 6


@function("hard_silu", "hard_swish")
def hard_silu(x: np.ndarray) -> np.ndarray:
    return x * hard_sigmoid(x)


# -- curves ----------------------------------------------------------------------


@function("sigmoid")
def sigmoid(x: np.ndarray) -> np.ndarray:
    shrunk = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, shrunk) / (1 + shrunk)


@function("silu", "swish")
def silu(x: np.ndarray) -> np.ndarray:
    return x * sigmoid(x)


@function("softplus")
def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


@function("log_sigmoid")
def log_sigmoid(x: np.ndarray) -> np.ndarray:
    return -softplus(-x)


@function("softsign")
def softsign(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.abs(x))


@function("squareplus")
def squareplus(x: np.ndarray, b: float = 4.0) -> np.ndarray:
    return (x + np.sqrt(x * x + b)) / 2


@function("sparse_plus")
def sparse_plus(x: np.ndarray) -> np.ndarray:
    return np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x))


@function("elu")
def elu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@function("celu")
def celu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


@function("selu")
def selu(x: np.ndarray) -> np.ndarray:
    """Klambauer et al., arXiv 1706.02515."""
    return 1.0507009873554804934 * elu(x, 1.6732632423543772848)


@function("gelu")
def gelu(x: np.ndarray, approximate: bool = False) -> np.ndarray:
    """Hendrycks and Gimpel, arXiv 1606.08415: by erf, or by their tanh approximation."""
    if approximate:
        return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x / 2 * erfc(-x * math.sqrt(0.5))


@function("mish")
def mish(x: np.ndarray) -> np.ndarray:
    return x * np.tanh(softplus(x))


@function("tanh_shrink")
def tanh_shrink(x: np.ndarray) -> np.ndarray:
    return x - np.tanh(x)
