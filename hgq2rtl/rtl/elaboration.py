"""Amaranth at the size of a network: what it checks of hand-written circuits is left out."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from amaranth.hdl._nir import Net, Netlist
from amaranth.hdl._nir import Value as Nets

_SEARCH_FOR_LOOPS = Netlist.check_comb_cycles
_CHECKED_NETS = Nets.__new__


def _no_search(netlist: Netlist) -> None:
    """A value reads earlier values only, so there is no combinational loop."""


def _unchecked_nets(cls: type[Nets], nets: Any | Iterable[Any] = ()) -> Nets:
    """As Amaranth's own, without a look at the type of every bit."""
    return tuple.__new__(cls, (nets,) if type(nets) is Net else nets)


@contextmanager
def room_to_elaborate() -> Iterator[None]:
    """Half the time, and room for recursion.

    No garbage collector (elaboration makes millions of small objects that stay, and
    collecting them in vain takes 40 % of the time) and two checks less, which walk every bit.
    They come back as they were, whatever happens and however often this is nested.
    """
    was_on, depth = gc.isenabled(), sys.getrecursionlimit()
    gc.disable()
    sys.setrecursionlimit(max(depth, 100_000))
    Netlist.check_comb_cycles = _no_search
    Nets.__new__ = _unchecked_nets
    try:
        yield
    finally:
        Netlist.check_comb_cycles = _SEARCH_FOR_LOOPS
        Nets.__new__ = _CHECKED_NETS
        sys.setrecursionlimit(depth)
        if was_on:
            gc.enable()
