"""Pieces of a layer: its repeated blocks with what belongs to them alone, and the rest."""

from __future__ import annotations

from hgq2rtl.ir import parse, verify
from hgq2rtl.rtl.pieces import pieces_by_layer


def pieces(text: str) -> dict[int, list[list[int]]]:
    program = verify(parse(text))
    computed = [v for v in range(len(program)) if program[v].operation.name not in OUTSIDE]
    return pieces_by_layer(program, computed)


OUTSIDE = ("input", "output", "const")


def test_what_follows_from_a_block_alone_belongs_to_it():
    """Catches relus and quantizers that stay behind."""
    found = pieces("""
        layer "a" QDense
        %0 = input : s4e0
        %1 = add %0, %0 : s5e0[-16,14] @0[0] #0
        %2 = slice %1 wrap low=1 : u3e1 @0[0]
        %3 = add %0, %0 shift=1 : s6e0[-24,21] @0[1] #1
        %4 = slice %3 wrap low=1 : u3e1 @0[1]
        %5 = bitwise %2, %4 : u3e0 @0[1]
        output %5
    """)
    assert found == {0: [[1, 2], [3, 4], [5]]}


def test_what_serves_a_block_alone_belongs_to_it():
    """Products in front of a sum, say: but not what others read too."""
    found = pieces("""
        layer "a" QDot
        layer "b" QDense
        %0 = input : s4e0
        %1 = mul %0, %0 : s8e0[-56,64] @0[0]
        %2 = slice %0 wrap low=1 : u2e1 @0[0]
        %3 = slice %0 wrap low=2 : u2e2 @0[0]
        %4 = slice %0 wrap : u2e0 @0[0]
        %5 = add %1, %2 : s8e0[-56,67] @0[0] #0
        %6 = add %5, %4 : s8e0[-56,70] @0[0] #0
        %7 = add %3, %2 : u3e0[0,6] @0[1] #1
        %8 = add %4, %4 : u3e0[0,6] @1[0]
        output %6
        output %7
        output %8
    """)
    assert found == {0: [[1, 5, 6], [2], [3, 7], [4]], 1: [[8]]}


def test_the_rest_falls_into_connected_pieces():
    """Without any block: elements that do not meet."""
    found = pieces("""
        layer "a" Quantizer
        %0 = input : s4e0
        %1 = input : s4e0
        %2 = slice %0 low=1 : s3e1 @0[0]
        %3 = slice %1 low=1 : s3e1 @0[1]
        %4 = bitwise %2, %2 : s3e0 @0[0]
        %5 = add %3, %1 : s5e1[-12,10] @0[1]
        output %4
        output %5
    """)
    assert found == {0: [[2, 4], [3, 5]]}


def test_layers_are_cut_apart():
    found = pieces("""
        layer "a" QDense
        layer "b" QDense
        %0 = input : s4e0
        %1 = add %0, %0 : s5e0[-16,14] @0[0] #0
        %2 = slice %1 low=1 : s4e1[-8,7] @1[0]
        %3 = bitwise %2, %2 : s4e0 @1[0]
        output %3
    """)
    assert found == {0: [[1]], 1: [[2, 3]]}
