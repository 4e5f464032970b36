"""Small designs of our own operations, by which delays are fitted."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from hgq2rtl.fixed import Format
from hgq2rtl.ir import Field, Program, ProgramPort, verify
from hgq2rtl.ir.builder import Builder
from hgq2rtl.ir.program import Table
from hgq2rtl.passes import run_passes


def one_operation(
    widths: list[int], build: Callable[..., int], tables: tuple[Table, ...] = ()
) -> Program:
    """One operation between unsigned inputs of `widths` and an output."""
    fields = tuple(Field(n, Format.of_width(w, False)) for n, w in enumerate(widths))
    builder = Builder([ProgramPort("x", (len(widths),), fields)], (), tables)
    inputs = [builder.input(0, n) for n in range(len(widths))]
    builder.add_output_port("y", (1,), [build(builder, *inputs)])
    return verify(builder.build())


def row_of(terms: int, width: int) -> Program:
    """A sum of two or three numbers of `width` bits in one chain."""
    return one_operation([width] * terms, lambda b, *x: b.row(x, [1] * terms))


def mask_of(width: int) -> Program:
    return one_operation([width, 1], lambda b, x, bit: b.mask(x, bit))


def compare_of(width: int) -> Program:
    return one_operation([width, width], lambda b, x, y: b.compare(x, y))


def product_of(width: int) -> Program:
    return one_operation([width, width], lambda b, x, y: b.mul(x, y))


def table_of(address_bits: int, seed: int = 1) -> Program:
    """A table of four random bits: nothing of it can be simplified."""
    contents = np.random.default_rng(seed).integers(0, 16, 1 << address_bits)
    return one_operation([address_bits], lambda b, x: b.lookup(x, 0), (Table(0, contents),))


def rows_in_turn(count: int, width: int) -> Program:
    """`count` sums, each of the one before and another input."""

    def build(b: Builder, x: int, *more: int) -> int:
        for y in more:
            x = b.row([x, y], [1, 1])
        return x

    return one_operation([width] * (count + 1), build)


def random_layers(inputs: int, wires: int, layers: int, width: int, seed: int) -> Program:
    """Layers as of a sparse network: differences of random numbers, relu, `width` bits kept."""
    dice = random.Random(seed)
    fields = tuple(Field(n, Format.of_width(width, False)) for n in range(inputs))
    builder = Builder([ProgramPort("x", (inputs,), fields)])
    values = [builder.input(0, n) for n in range(inputs)]
    for _ in range(layers):
        values = [_neuron(builder, dice.sample(values, 4), width) for _ in range(wires)]
    builder.add_output_port("y", (wires,), values)
    return run_passes(verify(builder.build()), ["expand", "share", "dead"])


def _neuron(b: Builder, inputs: list[int], width: int) -> int:
    """``relu(a + 2b - c - 4d)``, its upper `width` bits."""
    a, b_, c, d = inputs
    total = b.row([b.row([a, b_], [1, 2]), b.row([c, d], [1, 4])], [1, -1])
    return b.slice(b.relu(total), max(b.format(total).width - 1 - width, 0))
