"""Arrays of wires: what layer handlers compute with.

A :class:`FixedArray` is an index map over wires of a Program under
construction. Moving elements (reshape, transpose, slicing, concatenation)
costs nothing; arithmetic goes to the builder. There is no cost, no
optimisation and no quantizer logic of its own here.

Negative numbers are *raw* inputs: floats of the outside world that no
quantizer has read yet. Only a quantizer turns them into wires.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import NeedsInputFormat, NotExact
from ..fixed import ExactArray, exact
from ..ir import Builder

RawQuantizer = Callable[[int, tuple[int, int, int], str, str, float], int]
"""Turns a raw input element and a format into an input wire."""


class Tracer:
    """A builder with what symbolic execution needs beside it."""

    def __init__(self, builder: Builder, quantize_raw: RawQuantizer):
        self.builder = builder
        self.quantize_raw = quantize_raw
        self.where = "the model"
        """The layer that is being lowered, for messages."""
        self._groups = 0

    def new_group(self) -> int:
        """A number for one more linear block."""
        self._groups += 1
        return self._groups


class FixedArray:
    """Wires in the shape of a tensor (without batch axis)."""

    __array_priority__ = 1000
    __array_ufunc__ = None  # `array + fixed_array` comes here, not to NumPy

    def __init__(self, tracer: Tracer, wires: np.ndarray):
        self.tracer = tracer
        self.wires = wires

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

    def __len__(self) -> int:
        return len(self.wires)

    def __getitem__(self, key: Any) -> FixedArray:
        return self._like(np.asarray(self.wires[key]))

    def reshape(self, shape: int | tuple[int, ...]) -> FixedArray:
        return self._like(self.wires.reshape(shape))

    def transpose(self, axes: Sequence[int]) -> FixedArray:
        return self._like(self.wires.transpose(axes))

    def broadcast_to(self, shape: tuple[int, ...]) -> FixedArray:
        return self._like(np.broadcast_to(self.wires, shape))

    @staticmethod
    def concatenate(arrays: Sequence[FixedArray], axis: int) -> FixedArray:
        return arrays[0]._like(np.concatenate([a.wires for a in arrays], axis))

    def _like(self, wires: np.ndarray) -> FixedArray:
        return FixedArray(self.tracer, wires)

    # -- arithmetic --------------------------------------------------------

    def __add__(self, other: FixedArray | ExactArray | np.ndarray | float) -> FixedArray:
        return self._sum(other, 1)

    __radd__ = __add__

    def __sub__(self, other: FixedArray | ExactArray | np.ndarray | float) -> FixedArray:
        return self._sum(other, -1)

    def __mul__(self, factor: ExactArray | np.ndarray | float) -> FixedArray:
        """Element-wise product with constants."""
        factor = _as_exact(factor)
        shape = np.broadcast_shapes(self.shape, factor.shape)
        wires, factors = self._formatted().broadcast_to(shape), factor.broadcast_to(shape)
        group = self.tracer.new_group()
        return self._each(
            shape,
            lambda n: self._combination(
                [wires.wires.flat[n]], _flat(factors, n, n + 1), 0, 0, group
            ),
        )

    __rmul__ = __mul__

    def __matmul__(self, kernel: ExactArray) -> FixedArray:
        """``(..., n) @ (n, m)``: one linear block per leading index."""
        if self.shape[-1:] != kernel.shape[:1]:
            raise ValueError(f"{self.shape} @ {kernel.shape}: the inner sizes differ")
        rows = self._formatted().reshape((-1, self.shape[-1]))
        out = np.empty((rows.shape[0], kernel.shape[1]), np.int64)
        for r in range(rows.shape[0]):
            out[r] = self._block(rows.wires[r], kernel, first_element=r * kernel.shape[1])
        return self._like(out.reshape((*self.shape[:-1], kernel.shape[1])))

    def relu(self) -> FixedArray:
        wires = self._formatted().wires
        return self._each(self.shape, lambda n: self._relu(int(wires.flat[n])))

    def _relu(self, wire: int) -> int:
        builder = self.tracer.builder
        return wire if builder.intervals[wire][0] >= 0 else builder.relu(wire)

    def _sum(self, other: FixedArray | ExactArray | np.ndarray | float, sign: int) -> FixedArray:
        if not isinstance(other, FixedArray):
            return self._add_constants(_as_exact(other), sign)
        shape = np.broadcast_shapes(self.shape, other.shape)
        a = self._formatted().broadcast_to(shape).wires
        b = other._formatted().broadcast_to(shape).wires
        group = self.tracer.new_group()
        signs = exact(np.array([1.0, sign]))
        return self._each(
            shape, lambda n: self._combination([a.flat[n], b.flat[n]], signs, 0, 0, group)
        )

    def _add_constants(self, constants: ExactArray, sign: int) -> FixedArray:
        shape = np.broadcast_shapes(self.shape, constants.shape)
        wires = self._formatted().broadcast_to(shape).wires
        constants = constants.broadcast_to(shape)
        mantissas, exponents = constants.mantissa.reshape(-1), constants.exponent.reshape(-1)
        one = exact(np.ones(1))
        group = self.tracer.new_group()
        return self._each(
            shape,
            lambda n: self._combination(
                [wires.flat[n]], one, sign * int(mantissas[n]), int(exponents[n]), group
            ),
        )

    def _each(self, shape: tuple[int, ...], make: Callable[[int], int]) -> FixedArray:
        """A new array, element by element in C order, with provenance."""
        builder, (layer, _) = self.tracer.builder, self.tracer.builder.at
        out = np.empty(math.prod(shape), np.int64)
        for n in range(out.size):
            builder.at = (layer, n)
            out[n] = make(n)
        return self._like(out.reshape(shape))

    def _block(self, row: np.ndarray, kernel: ExactArray, first_element: int) -> list[int]:
        builder, (layer, _) = self.tracer.builder, self.tracer.builder.at
        group = self.tracer.new_group()
        outputs = []
        for column in range(kernel.shape[1]):
            builder.at = (layer, first_element + column)
            outputs.append(self._combination(row, kernel[:, column], 0, 0, group))
        return outputs

    def _combination(
        self,
        wires: Sequence[int] | np.ndarray,
        weights: ExactArray,
        constant: int,
        constant_exponent: int,
        group: int,
    ) -> int:
        """``sum(weight * wire) + constant * 2**constant_exponent``, exact, on one new wire."""
        builder = self.tracer.builder
        terms: list[tuple[int, int, int]] = []
        for j in np.flatnonzero(weights.mantissa).tolist():
            wire, mantissa = int(wires[j]), int(weights.mantissa[j])
            exponent = builder.exponents[wire] + int(weights.exponent[j])
            lo, hi = builder.intervals[wire]
            if lo == hi:
                constant, constant_exponent = _plus(
                    constant, constant_exponent, mantissa * lo, exponent
                )
            else:
                terms.append((wire, mantissa, exponent))
        return self._emit_combination(terms, constant, constant_exponent, group)

    def _emit_combination(
        self, terms: list[tuple[int, int, int]], constant: int, exponent: int, group: int
    ) -> int:
        builder = self.tracer.builder
        if not terms:
            return builder.const(constant, exponent)
        finest = min(e for _, _, e in terms)
        if constant:
            finest = min(finest, exponent)
        if len(terms) == 1 and not constant and terms[0][1] == 1:
            return self._at_exponent(terms[0][0], finest)
        operands = [wire for wire, _, _ in terms]
        weights = [mantissa << (e - finest) for _, mantissa, e in terms]
        if constant:
            operands.append(builder.const(constant << (exponent - finest), finest))
            weights.append(1)
        return builder.lincomb(operands, weights, group, exponent=finest)

    def _at_exponent(self, wire: int, exponent: int) -> int:
        """The same mantissa, standing for another power of two."""
        builder = self.tracer.builder
        if builder.exponents[wire] == exponent:
            return wire
        return builder.slice(wire, 0, exponent=exponent)

    # -- quantizers --------------------------------------------------------

    def quantize(
        self,
        k: np.ndarray,
        i: np.ndarray,
        f: np.ndarray,
        rounding: str,
        overflow: str,
        scaler: float = 1.0,
    ) -> FixedArray:
        """Element-wise ``scaler * q(x / scaler)`` to `k` sign, `i` integer, `f` fraction bits."""
        k, i, f = (np.broadcast_to(a, self.shape).reshape(-1) for a in (k, i, f))
        wires = self.wires
        power = self._power_of(scaler) if np.any(wires >= 0) else 0

        def one(n: int) -> int:
            wire, kif = int(wires.flat[n]), (int(k[n]), int(i[n]), int(f[n]))
            if wire < 0:
                return self.tracer.quantize_raw(wire, kif, rounding, overflow, scaler)
            return self._quantize_wire(wire, kif, rounding, overflow, power)

        quantized = self._each(self.shape, one)
        return quantized if scaler == 1.0 else quantized * scaler

    def _quantize_wire(
        self, wire: int, kif: tuple[int, int, int], rounding: str, overflow: str, power: int
    ) -> int:
        builder = self.tracer.builder
        k, i, f = kif
        if k + i + f <= 0:
            return builder.const(0, -f)
        wire = self._at_exponent(wire, builder.exponents[wire] - power)
        shift = -f - builder.exponents[wire]
        if shift <= 0 and _fits(builder.intervals[wire], shift, k, i + f, overflow):
            return wire
        return builder.quantize(wire, shift, k, i + f, rounding, overflow)

    def _power_of(self, scaler: float) -> int:
        fraction, power = math.frexp(scaler)
        if fraction != 0.5:
            raise NotExact(
                f"{self.tracer.where}: a division by the scaler {scaler!r} has no finite binary "
                "form here. Use a positive power of two."
            )
        return power - 1

    def _formatted(self) -> FixedArray:
        """Self, if a quantizer has read every element.

        Raises
        ------
        NeedsInputFormat
            If arithmetic meets a raw input.
        """
        if np.any(self.wires < 0):
            raise NeedsInputFormat(
                f"{self.tracer.where} computes with a model input that nothing quantizes. Give "
                "the input a format (--input-format k,i,f) or enable the layer's input quantizer."
            )
        return self


def _fits(interval: tuple[int, int], shift: int, k: int, bits: int, overflow: str) -> bool:
    from ..fixed import limits

    if overflow == "WRAP_SM":
        return False
    lo, hi = limits(k, bits, overflow)
    return lo <= interval[0] << -shift and interval[1] << -shift <= hi


def _as_exact(values: ExactArray | np.ndarray | float) -> ExactArray:
    return values if isinstance(values, ExactArray) else exact(values)


def _flat(array: ExactArray, start: int, stop: int) -> ExactArray:
    return ExactArray(
        array.mantissa.reshape(-1)[start:stop], array.exponent.reshape(-1)[start:stop]
    )


def _plus(a: int, a_exponent: int, b: int, b_exponent: int) -> tuple[int, int]:
    """Sum of two numbers at their finer exponent."""
    if not a:
        return b, b_exponent
    exponent = min(a_exponent, b_exponent)
    return (a << (a_exponent - exponent)) + (b << (b_exponent - exponent)), exponent
