"""Index maps of windows: against looking place by place."""

from __future__ import annotations

import numpy as np
import pytest

from hgq2rtl.fixed import Format, exact
from hgq2rtl.frontends.windows import Window
from hgq2rtl.ir import Builder, Field, ProgramPort, verify
from hgq2rtl.lowering import FixedArray
from hgq2rtl.lowering.patches import (
    convolved,
    gathered,
    inner_patches,
    patch_sizes,
    patches,
    zero_padded,
)
from hgq2rtl.lowering.tracer import Tracer

from .cases.spatial import looks

WINDOWS = [
    (Window(3),),
    (Window(2, stride=2, dilation=3, before=2, after=1),),
    (Window(3, before=2, after=2, spacing=3),),
    (Window(2, stride=2, after=1), Window(3, before=1, dilation=2, after=4)),
    (Window(1), Window(2), Window(2, stride=3, before=1, after=1)),
]


@pytest.mark.parametrize("windows", WINDOWS, ids=len)
def test_each_tap_sees_its_element_or_the_filling(windows):
    """Catches taps in another order, and padding that wraps round to the other end."""
    extents = (5, 4, 6)[: len(windows)]
    x = np.arange(1, 1 + np.prod(extents) * 2).reshape(*extents, 2)
    found = gathered(x, windows, fill=-7)
    wanted = np.full(found.shape, -7)
    sizes = [w.size for w in windows]
    spread = [(n - 1) * w.spacing + 1 for n, w in zip(extents, windows, strict=True)]
    seen = np.zeros(found.shape[:-2], int)
    for position, tap, at in looks(tuple(spread), windows):
        if all(place % w.spacing == 0 for place, w in zip(at, windows, strict=True)):
            element = tuple(place // w.spacing for place, w in zip(at, windows, strict=True))
            wanted[(*position, np.ravel_multi_index(tap, sizes))] = x[element]
            seen[position] += 1
    assert found.shape[:-2] == tuple(w.positions(n) for n, w in zip(extents, windows, strict=True))
    assert np.array_equal(found, wanted)
    assert np.array_equal(patch_sizes(extents, windows)[..., 0], seen)


@pytest.fixture
def x():
    """Six wires of one channel."""
    format = Format.from_kif(1, 2, 0)
    builder = Builder([ProgramPort("x", (6,), tuple(Field(n, format) for n in range(6)))])
    wires = [builder.input(0, n) for n in range(6)]
    return FixedArray(Tracer(builder), np.array(wires).reshape(6, 1))


def test_padding_is_a_constant_or_an_element_of_the_window(x):
    """A maximum over a window must not see a zero that is not there."""
    window = (Window(3, stride=3, before=1, after=2),)
    a, b, c, d, e, f = x.wires.ravel()
    zero = x.tracer.constant(0, 0)
    assert patches(x, window).wires.tolist() == [
        [[zero], [a], [b]],
        [[c], [d], [e]],
        [[f], [zero], [zero]],
    ]
    assert inner_patches(x, window).wires.tolist() == [
        [[a], [a], [b]],
        [[c], [d], [e]],
        [[f], [f], [f]],
    ]
    assert zero_padded(x, [(1, 0), (0, 1)]).wires[:2].tolist() == [[zero, zero], [a, zero]]


def test_a_maximum_takes_each_wire_once(x):
    """Catches comparisons of a wire with itself at the edges."""
    before = len(x.tracer.builder)
    y = inner_patches(x, (Window(3, stride=6, before=2),)).max(axis=-2)
    assert y.wires.tolist() == [[x.wires[0, 0]]] and len(x.tracer.builder) == before


def test_positions_of_a_convolution_are_equal_blocks(x):
    """The solver then builds them once: the same weights on other wires, a group for each."""
    y = convolved(x, exact(np.array([[[1.0, 3.0]], [[2.0, 5.0]]])), (Window(2),))
    assert y.shape == (5, 2)
    builder = x.tracer.builder
    builder.add_output_port("y", y.shape, y.wires.ravel().tolist())
    program = verify(builder.build())
    groups = []
    for n, row in enumerate(y.wires.tolist()):
        for wire, weights in zip(row, ([1, 2], [3, 5]), strict=True):
            assert program[wire].operands == x.wires[n : n + 2, 0].tolist()
            assert program[wire].weights == weights
        first, second = (program[wire].attributes["group"] for wire in row)
        assert first == second
        groups.append(first)
    assert len(set(groups)) == 5
