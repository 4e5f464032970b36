"""Arrays of wires: what layer handlers and users' functions compute with.

A :class:`FixedArray` is an index map over the wires of a Program under
construction. Moving elements (reshape, transpose, slicing, concatenation)
costs nothing; arithmetic goes to the builder, one wire at a time. There is no
cost, no optimisation and no quantizer logic of its own here.

It follows NumPy's dispatch protocols (:mod:`.numpy_functions`), so a function
written with NumPy names works on it unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import NotExact
from ..fixed import ExactArray, exact
from . import wires as w
from .tracer import Tracer
from .unquantized import Quotient, function_of, quantize_scaled, sum_of_quotients
from .wires import MINUS_ONE, ONE, ZERO, Constant, ElementQuantizer

Operand = Any
"""A FixedArray, an ExactArray, a NumPy array or a number."""


class FixedArray:
    """Wires in the shape of a tensor (without batch axis).

    Operators, comparisons and NumPy functions work as on a NumPy array; every
    number is exact. What has no exact value (``np.exp(x)``, ``x / 3``) stays
    open until :meth:`quantize` gives it a format.
    """

    def __init__(self, tracer: Tracer, wires: np.ndarray, is_bool: bool = False):
        self.tracer = tracer
        self.wires = wires
        self.is_bool = is_bool
        """Whether the elements are truth values, as comparisons give them."""

    # -- index maps --------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.wires.shape

    @property
    def ndim(self) -> int:
        return self.wires.ndim

    @property
    def size(self) -> int:
        return self.wires.size

    @property
    def T(self) -> FixedArray:
        return self.transpose()

    def __len__(self) -> int:
        return len(self.wires)

    def __iter__(self) -> Iterator[FixedArray]:
        return (self[n] for n in range(len(self)))

    def __getitem__(self, key: Any) -> FixedArray:
        return self.moved(np.asarray(self.wires[key]))

    def reshape(self, *shape: Any) -> FixedArray:
        return self.moved(self.wires.reshape(*shape))

    def ravel(self) -> FixedArray:
        return self.moved(self.wires.reshape(-1))

    flatten = ravel

    def transpose(self, *axes: Any) -> FixedArray:
        return self.moved(self.wires.transpose(*axes))

    def squeeze(self, axis: Any = None) -> FixedArray:
        return self.moved(self.wires.squeeze(axis))

    def broadcast_to(self, shape: tuple[int, ...]) -> FixedArray:
        return self.moved(np.broadcast_to(self.wires, shape))

    def copy(self) -> FixedArray:
        return self

    @staticmethod
    def concatenate(arrays: Sequence[FixedArray], axis: int) -> FixedArray:
        joined = np.concatenate([a.wires for a in arrays], axis)
        return FixedArray(arrays[0].tracer, joined, all(a.is_bool for a in arrays))

    def moved(self, wires: np.ndarray) -> FixedArray:
        """An array of the same kind over other wires."""
        return FixedArray(self.tracer, wires, self.is_bool)

    def lifted(self, other: Operand) -> FixedArray:
        """`other` as a FixedArray: constants become constant wires."""
        if isinstance(other, FixedArray):
            return other
        is_bool = (
            np.asarray(other).dtype.kind == "b" if not isinstance(other, ExactArray) else False
        )
        constants = _as_exact(other)
        flat = zip(_numbers(constants.mantissa), _numbers(constants.exponent), strict=True)
        made = np.array([self.tracer.constant(m, e) for m, e in flat], np.int64)
        return FixedArray(self.tracer, made.reshape(constants.shape), is_bool)

    # -- linear arithmetic -------------------------------------------------

    def __add__(self, other: Operand) -> FixedArray:
        return self._sum(other, ONE, ONE)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> FixedArray:
        return self._sum(other, ONE, MINUS_ONE)

    def __rsub__(self, other: Operand) -> FixedArray:
        return self._sum(other, MINUS_ONE, ONE)

    def __neg__(self) -> FixedArray:
        return self._scaled(exact(-1), exact(0))

    def __pos__(self) -> FixedArray:
        return self

    def __mul__(self, other: Operand) -> FixedArray:
        """Element by element: a multiplier, or constants times wires."""
        if not isinstance(other, FixedArray):
            return self._scaled(_as_exact(other), exact(0))
        group = self.tracer.new_group()
        return self.elementwise(
            lambda a, b: w.product(self.tracer, a, b, group), np.multiply, self, other
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> FixedArray:
        """By constants. What is no power of two stays open until a quantizer follows."""
        if isinstance(other, FixedArray):
            return self.elementwise(None, np.true_divide, self, other)
        divisors = _as_exact(other)
        if not np.all(divisors.mantissa):
            raise NotExact(f"{self.tracer.where} divides by zero. Divide by another constant.")
        odd = np.abs(divisors.mantissa)
        signs = ExactArray(np.sign(divisors.mantissa), -divisors.exponent)
        scaled = self * signs
        if np.all(odd == 1):
            return scaled
        divided = np.broadcast_to(odd, scaled.shape).reshape(-1).tolist()
        return scaled._each(scaled.shape, lambda n: self._quotient(scaled._at(n), divided[n]))

    def __rtruediv__(self, other: Operand) -> FixedArray:
        return self.elementwise(None, np.true_divide, self.lifted(other), self)

    def __pow__(self, power: Operand) -> FixedArray:
        if isinstance(power, int | np.integer) and power >= 1:
            result = self
            for bit in bin(int(power))[3:]:
                result = result * result
                result = result * self if bit == "1" else result
            return result
        return self.elementwise(None, np.power, self, self.lifted(power))

    def __matmul__(self, other: Operand) -> FixedArray:
        from .products import matmul

        return matmul(self, other)

    def __rmatmul__(self, other: Operand) -> FixedArray:
        from .products import matmul

        return matmul(other, self)

    def _sum(self, other: Operand, own: Constant, others: Constant) -> FixedArray:
        if not isinstance(other, FixedArray):
            constants = _as_exact(other)
            signed = ExactArray(constants.mantissa * others.mantissa, constants.exponent)
            return self._scaled(exact(own.mantissa), signed)
        group, weights = self.tracer.new_group(), [own, others]
        return self.elementwise(
            lambda a, b: w.combination(self.tracer, [a, b], weights, ZERO, group),
            np.add if others == ONE else np.subtract,
            self,
            other,
            fractions=lambda a, b: sum_of_quotients(self.tracer, [a, b], weights),
        )

    def _scaled(self, factors: ExactArray, offsets: ExactArray) -> FixedArray:
        """``self * factors + offsets``."""
        shape = np.broadcast_shapes(self.shape, factors.shape, offsets.shape)
        x = self.broadcast_to(shape)
        scale, shift = _constants(factors, shape), _constants(offsets, shape)
        group, tracer = self.tracer.new_group(), self.tracer

        def one(n: int) -> int:
            wire = x._at(n)
            if wire >= 0:
                return w.combination(tracer, [wire], [scale[n]], shift[n], group)
            return tracer.defer(tracer.deferred(wire).linear(tracer, scale[n], shift[n]))

        return self._each(shape, one)

    def _quotient(self, wire: int, divisor: int) -> int:
        """``wire / divisor`` for an odd divisor."""
        if divisor == 1:
            return wire
        if wire < 0:
            given: list[int | Constant] = [wire, Constant(divisor, 0)]
            return function_of(self.tracer, np.true_divide, given)
        constant = w.constant_of(self.tracer.builder, wire)
        if constant is not None and constant.mantissa % divisor == 0:
            return self.tracer.constant(constant.mantissa // divisor, constant.exponent)
        return self.tracer.defer(Quotient(wire, divisor))

    # -- choices -----------------------------------------------------------

    def relu(self) -> FixedArray:
        """``max(x, 0)``."""
        tracer = self.tracer

        def one(n: int) -> int:
            wire = self._at(n)
            if wire >= 0:
                return w.relu(tracer.builder, wire)
            return tracer.defer(tracer.deferred(wire).relu(tracer))

        return self._each(self.shape, one)

    def __abs__(self) -> FixedArray:
        return self.elementwise(lambda a: w.absolute(self.tracer.builder, a), np.abs, self)

    def maximum(self, other: Operand) -> FixedArray:
        builder = self.tracer.builder
        return self.elementwise(lambda a, b: w.maximum(builder, a, b), np.maximum, self, other)

    def minimum(self, other: Operand) -> FixedArray:
        builder = self.tracer.builder
        return self.elementwise(lambda a, b: w.minimum(builder, a, b), np.minimum, self, other)

    def compare(self, other: Operand, relation: str) -> FixedArray:
        """Truth values; `relation` is one of ``lt``, ``le``, ``eq``, ``ne``."""
        builder = self.tracer.builder
        made = self.elementwise(lambda a, b: w.compare(builder, a, b, relation), None, self, other)
        return FixedArray(self.tracer, made.wires, is_bool=True)

    def __lt__(self, other: Operand) -> FixedArray:
        return self.compare(other, "lt")

    def __le__(self, other: Operand) -> FixedArray:
        return self.compare(other, "le")

    def __gt__(self, other: Operand) -> FixedArray:
        return self.lifted(other).compare(self, "lt")

    def __ge__(self, other: Operand) -> FixedArray:
        return self.lifted(other).compare(self, "le")

    def __eq__(self, other: Operand) -> FixedArray:  # type: ignore[override]
        return self.compare(other, "eq")

    def __ne__(self, other: Operand) -> FixedArray:  # type: ignore[override]
        return self.compare(other, "ne")

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError(
            "the truth of a wire is known in hardware only: use np.where instead of if, and "
            "& | ~ instead of and, or, not"
        )

    # -- bits --------------------------------------------------------------

    def bitwise(self, other: Operand, function: str) -> FixedArray:
        """``and``, ``or`` or ``xor`` of integers, or of truth values."""
        other = self.lifted(other)
        self._integers("bitwise operations"), other._integers("bitwise operations")
        builder = self.tracer.builder
        made = self.elementwise(lambda a, b: w.bitwise(builder, a, b, function), None, self, other)
        return FixedArray(self.tracer, made.wires, self.is_bool and other.is_bool)

    def __and__(self, other: Operand) -> FixedArray:
        return self.bitwise(other, "and")

    def __or__(self, other: Operand) -> FixedArray:
        return self.bitwise(other, "or")

    def __xor__(self, other: Operand) -> FixedArray:
        return self.bitwise(other, "xor")

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> FixedArray:
        """``not`` of truth values, the complement ``-x - 1`` of integers."""
        if self.is_bool:
            return self.bitwise(np.ones((), bool), "xor")
        return -self._integers("~") - 1

    def __lshift__(self, bits: int) -> FixedArray:
        return self._integers("<<") * (1 << int(bits))

    def __rshift__(self, bits: int) -> FixedArray:
        return self._integers(">>") // (1 << int(bits))

    def __floordiv__(self, divisor: Operand) -> FixedArray:
        return (self / divisor).rounded("TRN")

    def __mod__(self, divisor: Operand) -> FixedArray:
        return self - (self // divisor) * divisor

    def truth(self) -> FixedArray:
        """Truth values: whether an element is not 0."""
        return self if self.is_bool else self != 0

    def where(self, a: Operand, b: Operand) -> FixedArray:
        """`a` where self is true, else `b`."""
        builder, bits = self.tracer.builder, self.truth()
        a, b = self.lifted(a), self.lifted(b)
        made = self.elementwise(lambda c, x, y: w.select(builder, c, x, y), np.where, bits, a, b)
        return FixedArray(self.tracer, made.wires, a.is_bool and b.is_bool)

    def _integers(self, what: str) -> FixedArray:
        exponents = self.tracer.builder.exponents
        for n, wire in enumerate(self.wires.reshape(-1).tolist()):
            if wire < 0:
                raise self.tracer.deferred(wire).refusal(self.tracer.where)
            if exponents[wire] < 0:
                raise TypeError(
                    f"{what} take integers, and element {n} has {-exponents[wire]} fraction bits: "
                    "use np.floor or quantize first"
                )
        return self

    # -- functions and quantizers ------------------------------------------

    def apply(self, function: Callable[..., Any]) -> FixedArray:
        """A float function of each element: a table, once a quantizer follows.

        Parameters
        ----------
        function : takes a float array and gives one of the same shape
        """
        return self.elementwise(None, function, self)

    def rounded(self, rounding: str) -> FixedArray:
        """To whole numbers; `rounding` is one of ``fixed.ROUNDINGS``."""

        def one(n: int) -> int:
            wire = self._at(n)
            if wire < 0:
                return self._rounded_quotient(wire, rounding)
            lo, hi = builder.intervals[wire]
            exponent = builder.exponents[wire]
            if exponent >= 0:
                return wire
            bits = max(abs(lo), abs(hi)).bit_length() + exponent + 2
            return w.quantize(tracer, wire, ElementQuantizer(1, max(bits, 1), 0, rounding, "WRAP"))

        tracer, builder = self.tracer, self.tracer.builder
        return self._each(self.shape, one)

    def _rounded_quotient(self, number: int, rounding: str) -> int:
        value = self.tracer.deferred(number)
        if not isinstance(value, Quotient):
            raise value.refusal(self.tracer.where)
        builder = self.tracer.builder
        lo, hi = builder.intervals[value.wire]
        bits = max(abs(lo), abs(hi)).bit_length() + max(builder.exponents[value.wire], 0) + 2
        return value.quantize(self.tracer, ElementQuantizer(1, bits, 0, rounding, "WRAP"))

    def quantize(
        self,
        k: Any,
        i: Any,
        f: Any,
        rounding: str = "TRN",
        overflow: str = "WRAP",
        scaler: float = 1.0,
    ) -> FixedArray:
        """Element-wise ``scaler * q(x / scaler)``.

        Parameters
        ----------
        k, i, f : int or integer arrays that broadcast to the shape
            Sign bit, integer bits without sign, fraction bits.
        rounding, overflow : str
            One of ``fixed.ROUNDINGS``, ``fixed.OVERFLOWS``.
        """
        k, i, f = (np.broadcast_to(a, self.shape).reshape(-1).tolist() for a in (k, i, f))

        def one(n: int) -> int:
            q = ElementQuantizer(k[n], i[n], f[n], rounding, overflow, scaler)
            return self._quantized(self._at(n), q)

        quantized = self._each(self.shape, one)
        return quantized if scaler == 1.0 else quantized * scaler

    def _quantized(self, wire: int, q: ElementQuantizer) -> int:
        if wire < 0:
            return self.tracer.deferred(wire).quantize(self.tracer, q)
        if q.scaler == 1.0:
            return w.quantize(self.tracer, wire, q)
        scaler = Constant.of(q.scaler)
        if scaler.mantissa == 1:
            return w.quantize(self.tracer, wire, q, power=scaler.exponent)
        return quantize_scaled(self.tracer, wire, 1, q)

    # -- reductions, as methods of an array --------------------------------

    def sum(self, axis: Any = None, keepdims: bool = False) -> FixedArray:
        from .reductions import total

        return total(self, axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> FixedArray:
        from .reductions import mean

        return mean(self, axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> FixedArray:
        from .reductions import greatest

        return greatest(self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> FixedArray:
        from .reductions import least

        return least(self, axis, keepdims)

    def argmax(self, axis: int | None = None) -> FixedArray:
        from .ordering import argmax

        return argmax(self, axis)

    def argmin(self, axis: int | None = None) -> FixedArray:
        from .ordering import argmin

        return argmin(self, axis)

    def any(self, axis: Any = None, keepdims: bool = False) -> FixedArray:
        from .reductions import any_true

        return any_true(self, axis, keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> FixedArray:
        from .reductions import all_true

        return all_true(self, axis, keepdims)

    def clip(self, least: Operand = None, most: Operand = None) -> FixedArray:
        clipped = self if least is None else self.maximum(least)
        return clipped if most is None else clipped.minimum(most)

    # -- NumPy's protocols -------------------------------------------------

    __array_priority__ = 1000

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        from .numpy_functions import call_ufunc

        return call_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        from .numpy_functions import call_function

        return call_function(function, args, options)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError(
            "wires have no numbers yet: this NumPy function would need them. Use the functions "
            "that docs/functions.md lists, or FixedArray.apply for a function as a table."
        )

    def __repr__(self) -> str:
        return f"<FixedArray {self.shape}>"

    # -- inside ------------------------------------------------------------

    def _at(self, n: int) -> int:
        return int(self.wires.flat[n])

    def formatted(self) -> FixedArray:
        """Self, if every element is a wire.

        Raises
        ------
        NeedsInputFormat, NotExact
            If an element has no exact value yet.
        """
        open_ones = self.wires[self.wires < 0]
        if open_ones.size:
            raise self.tracer.deferred(int(open_ones.flat[0])).refusal(self.tracer.where)
        return self

    def elementwise(
        self,
        operation: Callable[..., int] | None,
        function: Callable[..., Any] | None,
        *arrays: Operand,
        fractions: Callable[..., int | None] | None = None,
    ) -> FixedArray:
        """`operation` on wires, element by element, broadcasting.

        Where `operation` is None, or an element has no exact value, the float `function` of it
        stays open; without a `function` that is an error. `fractions` is tried before: what
        becomes of quotients.
        """
        operands = [self.lifted(a) for a in arrays]
        shape = np.broadcast_shapes(*(a.shape for a in operands))
        columns = [a.broadcast_to(shape).wires.reshape(-1).tolist() for a in operands]
        tracer = self.tracer

        def one(n: int) -> int:
            given = [column[n] for column in columns]
            if operation is not None and min(given) >= 0:
                return operation(*given)
            made = None if fractions is None else fractions(*given)
            if made is not None:
                return made
            if function is None:
                raise tracer.deferred(min(given)).refusal(tracer.where)
            return function_of(tracer, function, [self._part(wire) for wire in given])

        return self._each(shape, one)

    def _part(self, wire: int) -> int | Constant:
        constant = w.constant_of(self.tracer.builder, wire) if wire >= 0 else None
        return wire if constant is None else constant

    def _each(self, shape: tuple[int, ...], make: Callable[[int], int]) -> FixedArray:
        """A new array, element by element in C order, with provenance."""
        builder, (layer, _) = self.tracer.builder, self.tracer.builder.at
        out = np.empty(math.prod(shape), np.int64)
        for n in range(out.size):
            builder.at = (layer, n)
            out[n] = make(n)
        return FixedArray(self.tracer, out.reshape(shape))


def _as_exact(values: Operand) -> ExactArray:
    return values if isinstance(values, ExactArray) else exact(values)


def _numbers(values: np.ndarray) -> list[int]:
    return [int(n) for n in values.reshape(-1).tolist()]


def _constants(values: ExactArray, shape: tuple[int, ...]) -> list[Constant]:
    spread = values.broadcast_to(shape)
    pairs = zip(_numbers(spread.mantissa), _numbers(spread.exponent), strict=True)
    return [Constant(m, e) for m, e in pairs]
