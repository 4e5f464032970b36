"""One Program with every basic operation, in all signs, shifts and words."""

from __future__ import annotations

import numpy as np

from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, LayerName, Program, ProgramPort, Table, verify
from hgq2rtl.ir.operations import FUNCTIONS, RELATIONS


def every_operation() -> Program:
    """Some 60 values in two layers and none; signed and unsigned operands of several widths.

    Input ``x`` has s6, u5 and s9 fields, and one without bits; ``w`` is a single bit.
    """
    formats = [Format.of_width(w, s) for w, s in ((6, True), (5, False), (0, False), (9, True))]
    inputs = [
        ProgramPort("x", (4,), tuple(Field(n, format) for n, format in enumerate(formats))),
        ProgramPort("w", (), (Field(0, Format.of_width(1, False)),)),
    ]
    builder = Builder(inputs, [LayerName("dense/1", "QDense"), LayerName("module", "QDense")])
    s6, u5, s9 = (builder.input(0, n) for n in (0, 1, 3))
    bit = builder.input(1, 0)
    five, least = builder.const(5), builder.const(-3)
    zero = builder.const(0)

    builder.at = (0, 0)
    sums = [
        builder.add(s6, u5),
        builder.add(u5, s6, sign=-1),
        builder.add(s6, s9, shift=3),
        builder.add(s6, s9, sign=-1, shift=-2),
        builder.add(s9, five, sign=-1, shift=1),
        builder.add(zero, u5, sign=-1),
        builder.add(zero, s6, shift=2),
        builder.add(s9, s9, sign=-1, shift=1, interval=(-8, 7), wraps=True),
        builder.add(u5, s6, interval=(0, 15), wraps=True),
    ]
    # What unsigned bits inside of a row take from a sum, its constant gives back.
    offset, both = builder.const(63), builder.const(93)
    rows = [
        builder.row([u5, s6], [1, 2]),
        builder.row([s9, s6, five], [1, -4, 1]),
        builder.row([u5, u5, both], [-1, -2, 1]),
        builder.row([u5, u5, bit], [1, 2, 4]),
        builder.row([u5, s6, u5, offset], [-1, 1, 2, 1]),
        builder.row([s6, u5, least], [1, 64, 1]),
        builder.row([u5, bit], [2, 1]),
        builder.row([s9, five], [-1, 1]),
        builder.row([u5, s6, u5, offset], [-2, 2, 1, 1], interval=(0, 63), wraps=True),
        builder.row([s9, u5], [1, 1], interval=(-16, 15), wraps=True),
    ]
    masked = builder.mask(u5, bit, when=1)
    rows += [builder.row([masked, s6], [1, 1]), builder.row([s6, masked], [2, -1])]
    builder.at = (0, 1)
    products = [
        builder.mul(s6, u5),
        builder.mul(s6, s9),
        builder.mul(u5, u5),
        builder.mul(s9, least),
    ]
    builder.at = (1, 7)
    pieces = [
        builder.slice(s9, 3),
        builder.slice(u5, -2),
        builder.slice(s6, 20),
        builder.slice(s9, 2, interval=(0, 7), wraps=True),
        builder.slice(s9, 0, interval=(-4, 3), wraps=True),
        builder.concat(u5, s6, 5),
        builder.concat(u5, u5, 8),
        builder.concat(bit, s9, 1),
    ]
    choices = [
        builder.mask(s6, bit, when=1),
        builder.mask(u5, bit, when=0),
        builder.mux(bit, s6, u5),
        builder.mux(bit, u5, u5, shift=2),
        builder.mux(bit, s9, s6, shift=-1),
        builder.mux(bit, least, five),
    ]
    builder.at = (-1, -1)
    comparisons = [builder.compare(s6, u5, relation) for relation in RELATIONS]
    comparisons += [
        builder.compare(s9, s6, "lt", shift=2),
        builder.compare(u5, s9, "le", shift=-1),
        builder.compare(s9, least, "eq"),
        builder.compare(comparisons[0], bit, "ne"),
    ]
    logic = [builder.bitwise(s6, u5, function) for function in FUNCTIONS]
    logic += [builder.bitwise(u5, u5, "xor"), builder.bitwise(s9, s6, "and")]
    builder.tables += [
        Table(-32, np.arange(64) * 37 % 23 - 11),
        Table(-2, np.arange(34) ** 2),
    ]
    lookups = []
    for layer, address, table in ((1, s6, 0), (0, u5, 1), (-1, pieces[3], 1)):
        builder.at = (layer, 3)
        lookups.append(builder.lookup(address, table))
    late = builder.add(lookups[0], builder.add(sums[2], products[1]))
    results = [*sums, *rows, *products, *pieces, *choices, *comparisons, *logic, *lookups, late]
    builder.add_output_port("y", (len(results),), results)
    builder.add_output_port("as it is", (2, 2), [s6, late, zero, s6])
    builder.add_output_port("constant", (2,), [least, five])
    return verify(builder.build())
