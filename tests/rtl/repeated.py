"""Programs that repeat: one kernel over many positions, as lowering writes them."""

from __future__ import annotations

import random

from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, LayerName, Program, ProgramPort, Table, verify


def time_distributed(
    positions: int, seed: int = 0, sizes: tuple[int, int] = (4, 3), stride: int | None = None
) -> Program:
    """relu and a quantizer behind the same random kernel at every position of the input.

    With a `stride` less than the window, positions overlap (a convolution).
    """
    rng = random.Random(seed)
    n_in, n_out = sizes
    stride = stride or n_in
    format = Format.of_width(6, True, -2)
    count = stride * (positions - 1) + n_in
    port = ProgramPort("x", (count,), tuple(Field(n, format) for n in range(count)))
    builder = Builder([port], [LayerName("conv", "QConv1D"), LayerName("total", "QDense")])
    x = [builder.input(0, n) for n in range(count)]
    builder.at = (0, 0)
    x = [builder.quantize(v, 1, 1, 4, "RND", "SAT") for v in x]
    kernel = [[rng.choice((0, *range(-9, 10))) for _ in range(n_in)] for _ in range(n_out)]
    bias = [rng.randint(-20, 20) for _ in range(n_out)]
    results = []
    for p in range(positions):
        window = x[p * stride : p * stride + n_in]
        for c in range(n_out):
            builder.at = (0, p * n_out + c)
            one = builder.const(bias[c], builder.exponents[window[0]])
            total = builder.lincomb([*window, one], [*kernel[c], 1], group=p + 1)
            results.append(builder.quantize(builder.relu(total), 1, 0, 5, "RND", "WRAP"))
    builder.at = (1, 0)
    late = builder.lincomb(results, [rng.randint(-3, 3) for _ in results], group=0)
    builder.add_output_port("y", (len(results) + 1,), [*results, late])
    return verify(builder.build())


def random_repetition(seed: int, copies: int = 4) -> Program:
    """A random block over `copies` sets of operands, of which some are common to all.

    Blocks have products, tables, comparisons and sums; each copy hands some inner value
    to the next, so that the first differs from the others.
    """
    rng = random.Random(seed)
    formats = [Format.of_width(rng.randint(2, 8), rng.random() < 0.6) for _ in range(4)]
    count = len(formats) * copies
    fields = tuple(Field(n, formats[n % len(formats)]) for n in range(count))
    builder = Builder(
        [ProgramPort("x", (count,), fields)], [LayerName("body", "QGRU")], [_table(rng)]
    )
    x = [builder.input(0, n) for n in range(count)]
    plan = [(rng.randrange(7), rng.randrange(1 << 30), rng.randrange(1 << 30)) for _ in range(12)]
    last, results = x[0], []
    for c in range(copies):
        builder.at, builder.block = (0, c), c
        known = [*x[4 * c : 4 * c + 4], x[1]]
        if rng.random() < 0.5 or c > 1:
            known.append(builder.slice(last, interval=(-8, 7), wraps=True))
        else:
            known.append(builder.slice(x[2], interval=(-8, 7), wraps=True))
        for what, a, b in plan:
            known.append(_operation(builder, what, known[a % len(known)], known[b % len(known)]))
        last = known[-2]
        results += known[-3:]
    builder.add_output_port("y", (len(results),), results)
    return verify(builder.build())


def _table(rng: random.Random) -> Table:
    import numpy as np

    return Table(-16, np.array([rng.randint(-40, 40) for _ in range(32)]))


def _operation(builder: Builder, what: int, a: int, b: int) -> int:
    narrow = builder.slice(a, interval=(-16, 15), wraps=True)
    match what:
        case 0 | 1:
            return builder.add(narrow, b, sign=-1 if what else 1, interval=(-256, 255), wraps=True)
        case 2:
            return builder.mul(narrow, builder.slice(b, interval=(0, 15), wraps=True))
        case 3:
            return builder.lookup(narrow, 0)
        case 4:
            return builder.mux(builder.compare(a, b), narrow, b)
        case 5:
            return builder.mask(a, builder.compare(narrow, b, "eq"), when=0)
    return builder.bitwise(narrow, b, "xor")
