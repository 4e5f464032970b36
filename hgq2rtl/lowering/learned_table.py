"""Learned tables: a small network for each edge, evaluated over all that its input can be.

An edge is a pair of an input and an output that it reaches. Edges with grids of equal size
are evaluated together; those that share network, grid and table format only once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import numpy as np

from ..errors import TooLarge
from ..fixed import ExactArray
from ..frontends.graph import AnyQuantizer
from .compiled import multiply_add, reciprocal_root, tanh
from .fixed_array import FixedArray
from .functions import ArrayFunction, function_named
from .layer import LoweringLayer, quantized_constant
from .tables import WIDEST_INPUT, table_of

MOST_ENTRIES = 2**24
"""Of all different tables of a layer: 128 MiB."""

MOST_PRODUCTS = 2**33
"""To fill all tables of a layer: minutes."""

WIDEST_ENTRY = 60
"""Bits; a float32 has 24."""

AT_ONCE = 2**20
"""Numbers of a hidden layer that are held at once."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class PerEdge:
    """An array for each edge, of which edges may share one."""

    values: np.ndarray
    """(places, *shape of each)"""
    place: np.ndarray
    """Where each edge's stands: int64 (edges,)."""

    @classmethod
    def of(cls, array: np.ndarray, edges: Shape) -> PerEdge:
        """From an array whose leading axes broadcast to the edges."""
        extents, inner = array.shape[: len(edges)], array.shape[len(edges) :]
        numbered = np.arange(math.prod(extents)).reshape(extents)
        place = np.broadcast_to(numbered, edges).reshape(-1)
        return cls(array.reshape(-1, *inner), place)

    def __getitem__(self, edges: np.ndarray) -> np.ndarray:
        """(chosen edges, *shape of each)"""
        return self.values[self.place[edges]]


def aligned(array: np.ndarray, labels: str, edges: str) -> np.ndarray:
    """The axes of `labels` in the order of `edges`, 1 where it lacks one; others stay behind."""
    size = dict(zip(labels, array.shape, strict=False))
    order = sorted(range(len(labels)), key=lambda n: edges.index(labels[n]))
    moved = array.transpose(*order, *range(len(labels), array.ndim))
    return moved.reshape(*(size.get(label, 1) for label in edges), *array.shape[len(labels) :])


class Networks:
    """The networks of all edges, up to the table quantizer.

    Parameters
    ----------
    layer : LoweringLayer
        With the parts ``network_0``, ``network_1``, ... and maybe a batch norm.
    edges : str
        The labels of the edges' axes.
    shape : tuple of int
        Their extents.
    kernel : str
        The labels of the kernels.
    fan_in : int
        Edges that reach an output: a batch norm divides by its root.
    """

    def __init__(self, layer: LoweringLayer, edges: str, shape: Shape, kernel: str, fan_in: int):
        self._layer = layer
        self._labels = edges
        self._shape = shape
        self._fan_in = fan_in
        self._activation = _activation(layer)
        self._dense = list(self._dense_layers(kernel))
        self._norm = self._scale_and_offset() if "epsilon" in layer.config else None
        (self._format,) = layer.layer.quantizers["table"]
        self._widths = {
            field.name: PerEdge.of(getattr(self._format, field.name), shape)
            for field in fields(self._format)
            if isinstance(getattr(self._format, field.name), np.ndarray)
        }

    @property
    def float_type(self) -> str:
        return self._layer.layer.float_type

    @property
    def products(self) -> int:
        """Multiplications for one entry."""
        return sum(math.prod(kernel.values.shape[1:]) for kernel, _ in self._dense)

    @property
    def _widest(self) -> int:
        return max(max(kernel.values.shape[1:]) for kernel, _ in self._dense)

    def what_tells_apart(self) -> list[np.ndarray]:
        """Numbers (edges,) that differ where networks or formats do."""
        norm = [] if self._norm is None else [self._norm[0].place]
        widths = [each.values[each.place] for each in self._widths.values()]
        return [self._dense[0][0].place, *norm, *widths]

    def tables(self, edges: np.ndarray, grid: np.ndarray) -> ExactArray:
        """What some edges give on their grids.

        Parameters
        ----------
        edges : int array (chosen,)
        grid : float array (chosen, entries)

        Returns
        -------
        ExactArray (chosen, entries)
        """
        step = max(AT_ONCE // (grid.shape[1] * self._widest), 1)
        found = []
        for start in range(0, len(edges), step):
            part = slice(start, start + step)
            widths = {name: each[edges[part]][:, None] for name, each in self._widths.items()}
            values = self._values(edges[part], grid[part])
            format: AnyQuantizer = replace(self._format, **cast(Any, widths))
            found.append(quantized_constant(values, format, self._layer.where, self.float_type))
        return ExactArray(
            np.concatenate([part.mantissa for part in found]),
            np.concatenate([part.exponent for part in found]),
        )

    @np.errstate(all="ignore")  # what is infinite saturates, or is refused by the quantizer
    def _values(self, edges: np.ndarray, grid: np.ndarray) -> np.ndarray:
        """Floats (chosen, entries), part by part where hidden layers are very wide."""
        step = max(AT_ONCE // self._widest, 1)
        parts = [grid[:, n : n + step] for n in range(0, grid.shape[1], step)]
        return np.concatenate([self._evaluated(edges, part) for part in parts], axis=1)

    def _evaluated(self, edges: np.ndarray, grid: np.ndarray) -> np.ndarray:
        h = grid[:, :, None]
        for n, (kernel, bias) in enumerate(self._dense):
            if n:
                h = self._activation(h)
            h = _through(h, kernel[edges], None if bias is None else bias[edges])
        y = h[:, :, 0]
        if self._norm is None:
            return y
        scale, offset = (each[edges][:, None] for each in self._norm)
        return multiply_add(y, scale, offset) / np.sqrt(y.dtype.type(self._fan_in))

    def _dense_layers(self, kernel_labels: str) -> Iterator[tuple[PerEdge, PerEdge | None]]:
        """Kernels (places, inputs, outputs) and biases (places, outputs)."""
        last = self._layer.config["n_hl"]
        for n in range(last + 1):
            part = self._layer.part(f"network_{n}")
            kernel, bias = part.raw("kernel"), part.raw("bias") if part.has("bias") else None
            if n == last:  # it gives one number, without an axis for it
                kernel, bias = kernel[..., None], None if bias is None else bias[..., None]
            if n == 0:  # all its inputs are the edge's only one
                kernel = kernel.sum(axis=-2, keepdims=True)
            yield self._per_edge(kernel, kernel_labels), self._biases(bias)

    def _biases(self, bias: np.ndarray | None) -> PerEdge | None:
        """They lie along the last axes of the edges, with extent 1 where they are shared."""
        if bias is None:
            return None
        return self._per_edge(bias, self._labels[len(self._labels) + 1 - bias.ndim :])

    def _per_edge(self, array: np.ndarray, labels: str) -> PerEdge:
        return PerEdge.of(aligned(array, labels, self._labels), self._shape)

    @np.errstate(all="ignore")
    def _scale_and_offset(self) -> tuple[PerEdge, PerEdge]:
        """The batch norm, in the steps of Keras."""
        norm = self._layer.part("norm") if self._layer.has_part("norm") else self._layer
        epsilon = self._layer.float_type(self._layer.config["epsilon"])
        scale = reciprocal_root(norm.raw("moving_variance") + epsilon) * norm.raw("gamma", 1.0)
        offset = multiply_add(-norm.raw("moving_mean"), scale, norm.raw("beta", 0.0))
        axes = self._layer.config["normalize_axes"]
        size = dict(zip(axes, scale.shape, strict=True))
        # The package only reshapes, also where the axes stand in another order.
        along = [size.get(label, 1) for label in self._labels]
        return (
            PerEdge.of(scale.reshape(along), self._shape),
            PerEdge.of(offset.reshape(along), self._shape),
        )


def _activation(layer: LoweringLayer) -> ArrayFunction:
    name = layer.config["subnn_activation"]
    if name == "tanh" and name not in layer.functions:
        return tanh
    return function_named(name, layer)


def _through(h: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """A dense layer of each edge, in the order of compiled code.

    Parameters
    ----------
    h : (edges, entries, inputs)
    kernel : (edges, inputs, outputs)
    bias : (edges, outputs) or None

    Returns
    -------
    (edges, entries, outputs)
    """
    inputs = h.shape[2]
    biases = np.zeros((1, 1), h.dtype) if bias is None else bias
    if inputs == 1:  # no sum stands between product and bias
        return multiply_add(h, kernel, biases[:, None])
    total = np.zeros((1, 1, 1), h.dtype)
    for n in range(inputs):
        total = multiply_add(h[:, :, n, None], kernel[:, None, n], total)
    return total + biases[:, None]


def looked_up(networks: Networks, x: FixedArray, where: str) -> FixedArray:
    """Each element of `x`, one for each edge, through its table.

    Raises
    ------
    TooLarge
        If a table is too large, or all of them together.
    """
    tracer, builder = x.tracer, x.tracer.builder
    wires = x.formatted().wires.reshape(-1).tolist()
    intervals = [builder.intervals[wire] for wire in wires]
    sizes = [hi - lo + 1 for lo, hi in intervals]
    _check_sizes(max(sizes), where)
    starts = np.array([float(lo) for lo, _ in intervals])
    counts = np.array(sizes)
    exponents = np.array([builder.exponents[wire] for wire in wires])
    keys = np.stack([*networks.what_tells_apart(), starts, counts, exponents], axis=1)
    _, first, same = np.unique(
        keys.astype(np.float64), axis=0, return_index=True, return_inverse=True
    )
    _check_total(int(counts[first].sum()), networks.products, where)
    contents: dict[int, tuple[np.ndarray, int]] = {}
    for size in np.unique(counts[first]):
        chosen = np.flatnonzero(counts[first] == size)
        edges = first[chosen]
        mantissas = starts[edges][:, None] + np.arange(size)
        grid = np.ldexp(mantissas, exponents[edges][:, None]).astype(networks.float_type)
        rows = _rows(networks.tables(edges, grid), where)
        contents.update(zip(chosen.tolist(), rows, strict=True))
    table = same.reshape(-1).tolist()
    return x._each(x.shape, lambda n: table_of(tracer, wires[n], *contents[table[n]]))


def _rows(tables: ExactArray, where: str) -> Iterator[tuple[np.ndarray, int]]:
    """Mantissas at a common exponent, table by table."""
    is_used = tables.mantissa != 0
    common = np.where(is_used, tables.exponent, np.iinfo(np.int64).max).min(axis=1, keepdims=True)
    common = np.where(is_used.any(axis=1, keepdims=True), common, 0)
    shifts = np.where(is_used, tables.exponent - common, 0)
    bits = np.log2(np.maximum(np.abs(tables.mantissa).astype(np.float64), 1)) + shifts
    if np.any(bits > WIDEST_ENTRY):
        raise TooLarge(
            f"{where}: entries of a table span more than {WIDEST_ENTRY} bits. Give its table "
            f"quantizer a narrower format, or a scaler and affine map of fewer bits."
        )
    return zip(tables.mantissa << shifts, common[:, 0].tolist(), strict=True)


def _check_sizes(largest: int, where: str) -> None:
    if largest > 1 << WIDEST_INPUT:
        bits = (largest - 1).bit_length()
        raise TooLarge(
            f"{where}: a table over {bits} input bits has 2^{bits} entries; the limit is "
            f"{WIDEST_INPUT} bits. Give its input quantizer fewer bits."
        )


def _check_total(entries: int, products: int, where: str) -> None:
    if entries > MOST_ENTRIES or entries * products > MOST_PRODUCTS:
        raise TooLarge(
            f"{where}: its tables have {entries} entries of {products} multiplications each; the "
            f"limits are {MOST_ENTRIES} entries and {MOST_PRODUCTS} multiplications in all. Give "
            f"its input quantizer fewer bits."
        )
