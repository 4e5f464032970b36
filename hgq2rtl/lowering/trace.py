"""A user's own function as a Program: integer logic without a model."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BadOption, NotExact
from ..fixed import ExactArray, Format, exact
from ..fixed.quantize import quantize as quantize_integer
from ..ir import Builder, LayerName, Program
from .fixed_array import FixedArray
from .lower import ArrayFunction, finished, traced
from .ports import InputPort
from .tracer import Tracer
from .wishes import FormatWish, parse_format


@dataclass(frozen=True)
class Input:
    """An input of a traced function.

    Parameters
    ----------
    format : ``"k,i,f"``, (k, i, f), or (k, i, f) as integer arrays that broadcast to the shape
        Sign bits, integer bits without sign, fraction bits.
    shape : tuple of int
        Without the batch axis. Without it the shape of the format's arrays.
    """

    format: Any
    shape: tuple[int, ...] | None = None

    def formats(self, name: str) -> tuple[tuple[int, ...], list[Format]]:
        """The shape, and the format of each element in C order."""
        k, i, f = _kif(self.format)
        own = np.broadcast_shapes(k.shape, i.shape, f.shape)
        shape = own if self.shape is None else tuple(int(n) for n in np.atleast_1d(self.shape))
        try:
            spread = [np.broadcast_to(a, shape).reshape(-1).tolist() for a in (k, i, f)]
        except ValueError:
            raise BadOption(
                f"input {name!r}: formats of shape {own} do not fit an input of shape {shape}"
            ) from None
        for given in zip(*spread, strict=True):
            if sum(given) > 0:  # without bits an element is constantly zero
                parse_format(given, "input")
        return shape, [Format.from_kif(*given) for given in zip(*spread, strict=True)]


Inputs = Mapping[str, Any] | Sequence[Any]


def trace_function(
    function: ArrayFunction,
    inputs: Inputs,
    output_formats: Mapping[str, FormatWish] | None = None,
) -> Program:
    """Run `function` once on arrays of wires.

    Parameters
    ----------
    function : takes one FixedArray per input; gives one, a tuple, or a dict by port name
    inputs : by the name of the function's parameter, or in order
        Each an :class:`Input`, or what its `format` may be.

    Raises
    ------
    BadOption
        If inputs and parameters do not fit each other, or a format is none.
    NotExact, NeedsInputFormat, TooLarge
        If what comes out has no exact value.
    """
    tracer = Tracer(Builder(layers=[LayerName("inputs", "InputLayer")]), "float64")
    ports, arrays = [], []
    for number, (name, given) in enumerate(_by_name(function, inputs).items()):
        made = given if isinstance(given, Input) else Input(given)
        shape, formats = made.formats(name)
        port = InputPort(tracer, number, name, shape)
        ports.append(port)
        arrays.append(port.fixed(formats))
    results = traced(tracer, function, arrays, ["output"])
    return finished(tracer, ports, results, output_formats or {})


def quantize(x: Any, k: Any, i: Any, f: Any, rounding: str = "TRN", overflow: str = "WRAP") -> Any:
    """Quantize wires or plain numbers, so that one function serves both.

    Parameters
    ----------
    x : FixedArray, or float or integer array
    k, i, f : int or integer arrays that broadcast to `x`
        Sign bit, integer bits without sign, fraction bits.
    rounding, overflow : str
        One of ``fixed.ROUNDINGS``, ``fixed.OVERFLOWS``.

    Returns
    -------
    Like `x`: a FixedArray, or float64.

    Raises
    ------
    NotExact
        If a plain number needs more than the 53 bits of a float64.
    """
    if isinstance(x, FixedArray):
        return x.quantize(k, i, f, rounding, overflow)
    numbers = x if isinstance(x, ExactArray) else exact(np.asarray(x))
    widths = [np.broadcast_to(a, numbers.shape).reshape(-1).tolist() for a in (k, i, f)]
    flat = zip(
        numbers.mantissa.reshape(-1).tolist(),
        numbers.exponent.reshape(-1).tolist(),
        *widths,
        strict=True,
    )
    values = [
        _as_float(quantize_integer(m, -b - e, s, a + b, rounding, overflow), -b)
        for m, e, s, a, b in flat
    ]
    return np.array(values, np.float64).reshape(numbers.shape)


def _as_float(mantissa: int, exponent: int) -> float:
    if int(float(mantissa)) != mantissa:
        raise NotExact(
            f"{mantissa} * 2**{exponent} needs more than the 53 bits of a float64: quantize plain "
            "numbers to a narrower format"
        )
    return math.ldexp(mantissa, exponent)


def _kif(format: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if isinstance(format, str | FormatWish):
        wish = parse_format(format, "input")
        format = (wish.k, wish.i, wish.f)
    try:
        k, i, f = (np.asarray(a) for a in format)
    except (TypeError, ValueError):
        raise BadOption(
            f"input format {format!r}: write k,i,f with sign bits, integer bits without sign, "
            "and fraction bits, for example 1,3,4"
        ) from None
    return k, i, f


def _by_name(function: ArrayFunction, inputs: Inputs) -> dict[str, Any]:
    """Inputs by the names of the function's parameters, in their order."""
    is_one = isinstance(inputs, str | Input | FormatWish) or _is_triple(inputs)
    if isinstance(inputs, Mapping):
        given = dict(inputs)
        names = _parameters(function, len(given)) or list(given)
        if set(names) != set(given) and set(given) - set(names):
            raise BadOption(
                f"inputs {', '.join(map(repr, given))} are given for the parameters "
                f"{', '.join(map(repr, names))} of the function: name them alike"
            )
        return {name: given[name] for name in names if name in given}
    values = [inputs] if is_one else list(inputs)
    names = _parameters(function, len(values)) or [f"input_{n}" for n in range(len(values))]
    return dict(zip(names, values, strict=True))


def _is_triple(inputs: Any) -> bool:
    """(k, i, f) is one format and no list of three inputs."""
    return (
        isinstance(inputs, tuple | list)
        and len(inputs) == 3
        and all(isinstance(a, int | np.integer | np.ndarray) for a in inputs)
    )


def _parameters(function: ArrayFunction, count: int) -> list[str] | None:
    """Names of the first `count` parameters; None where they cannot be told."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found):
        return None
    names = [p.name for p in found]
    needed = sum(p.default is p.empty for p in found)
    if not needed <= count <= len(names):
        raise BadOption(
            f"the function takes {len(names)} inputs ({', '.join(names)}), and formats of {count} "
            "are given: give one for each"
        )
    return names[:count]
