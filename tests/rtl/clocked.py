"""A Program with all that a clock makes special: resets, wires, a large table, long delays."""

from __future__ import annotations

import numpy as np

from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, LayerName, Program, ProgramPort, Table, verify

TABLE_BITS = 13
"""Too many for LUTs at a fast clock."""


def clocked_program(length: int = 9) -> Program:
    """A chain of `length` sums and masks, beside which inputs and a word of a table wait.

    Slices and concatenations of early values are read all along it.
    """
    formats = [Format.of_width(w, s) for w, s in ((8, True), (6, False), (TABLE_BITS, True))]
    port = ProgramPort("x", (3,), tuple(Field(n, format) for n, format in enumerate(formats)))
    contents = np.arange(1 << TABLE_BITS) * 7919 % 509 - 254
    builder = Builder(
        [port],
        [LayerName("chain", "QDense"), LayerName("exp", "QUnaryFunctionLUT")],
        [Table(formats[2].lo, contents)],
    )
    s8, u6, address = (builder.input(0, n) for n in range(3))
    builder.at = (1, 0)
    word = builder.lookup(address, 0)
    relu = builder.mask(word, builder.slice(word, 9, interval=(0, 1), wraps=True), when=0)
    builder.at = (0, 0)
    joined = builder.concat(u6, s8, 7)
    pieces = [builder.slice(joined, low, interval=(0, 15), wraps=True) for low in (0, 3, 7)]
    last, results = s8, [joined, word]
    for n in range(length):
        builder.at = (0, n)
        total = builder.row([last, pieces[n % 3]], [1, 2 - n % 2])
        width = builder.format(total).width
        sign = builder.slice(total, width - 1, interval=(0, 1), wraps=True)
        kept = builder.mask(total, sign, when=n % 2)
        last = builder.slice(kept, 0, interval=(-128, 127), wraps=True)
        results.append(last)
    builder.at = (0, length)
    results += [builder.add(last, relu), builder.add(builder.slice(last, 2), u6), u6]
    builder.add_output_port("y", (len(results),), results)
    return verify(builder.build())
