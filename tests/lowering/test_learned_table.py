"""Learned tables beyond what their layers mean: which are shared, and which are too large."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hgq2rtl.errors import NotExact, TooLarge
from hgq2rtl.frontends import Layer
from hgq2rtl.ir.text import to_text
from hgq2rtl.lowering import learned_table
from hgq2rtl.lowering.ebops import ebops
from hgq2rtl.lowering.learned_table import PerEdge, aligned

from .cases.learned_table import Tables
from .graphs import graph_of, lowered, quantizer

EVERY = {"input": (quantizer(i=1, f=1),), "table": (quantizer(i=1, f=3, overflow="SAT"),)}


def program(tables: Tables):
    return lowered(graph_of([tables.layer("t")], tables.shape))


def test_arrays_lie_along_the_edges():
    """Catches axes that are only reshaped where they must be transposed."""
    kernel = np.arange(24).reshape(2, 3, 4)  # d, b, and one axis of its own
    along = aligned(kernel, "db", "abcd")
    assert along.shape == (1, 3, 1, 2, 4)
    each = PerEdge.of(along, (5, 3, 2, 2))
    edge = np.ravel_multi_index((4, 2, 1, 0), (5, 3, 2, 2))
    assert each[np.array([edge])].tolist() == [kernel[0, 2].tolist()]


def test_positions_that_share_network_and_formats_share_tables():
    """Catches a table for each position."""
    made = program(Tables("zbc,cd->zbd", (5, 2), {"d": 2}, quantizers=EVERY))
    lookups = to_text(made).count("lookup")
    assert lookups > 0
    assert lookups == 5 * len(made.tables)


def test_how_much_is_evaluated_at_once_does_not_show(monkeypatch):
    """Catches a part of the edges, or of a grid, that is lost or doubled."""
    tables = Tables("zbc,cd->zbd", (2, 3), {"d": 2}, n_hl=2)
    wanted = to_text(program(tables))
    monkeypatch.setattr(learned_table, "AT_ONCE", 7)
    assert to_text(program(tables)) == wanted


def test_tables_of_too_many_bits_are_refused():
    quantizers = {**EVERY, "input": (quantizer(i=10, f=8),)}
    tables = Tables("zi,io->zo", (2,), {"o": 1}, quantizers=quantizers)
    with pytest.raises(TooLarge) as caught:
        lowered(graph_of([tables.layer("t")], (2,)), input_formats={})
    assert str(caught.value) == (
        "t (QEinsumDenseT) in net.keras: a table over 19 input bits has 2^19 entries; the limit "
        "is 18 bits. Give its input quantizer fewer bits."
    )


def test_entries_that_no_table_holds_are_refused():
    """Catches a shift beyond int64, which gives any number."""
    wide = quantizer(i=40, f=60, overflow="SAT")
    tables = Tables("zi,io->zo", (3,), {"o": 2}, quantizers={**EVERY, "table": (wide,)})
    with pytest.raises(TooLarge) as caught:
        program(tables)
    assert str(caught.value) == (
        "t (QEinsumDenseT) in net.keras: entries of a table span more than 60 bits. Give its "
        "table quantizer a narrower format, or a scaler and affine map of fewer bits."
    )


def test_too_many_tables_are_refused(monkeypatch):
    """What is shared counts once."""
    tables = Tables("zbc,cd->zbd", (5, 2), {"d": 2}, quantizers=EVERY)
    monkeypatch.setattr(learned_table, "MOST_ENTRIES", 4 * 8)
    program(tables)
    monkeypatch.setattr(learned_table, "MOST_ENTRIES", 4 * 8 - 1)
    with pytest.raises(TooLarge) as caught:
        program(tables)
    assert str(caught.value) == (
        "t (QEinsumDenseT) in net.keras: its tables have 32 entries of 6 multiplications each; "
        "the limits are 31 entries and 8589934592 multiplications in all. Give its input "
        "quantizer fewer bits."
    )


def test_a_network_that_is_no_number_is_refused():
    """An infinite entry saturates; NaN has no bits."""
    tables = Tables("zi,io->zo", (2,), {"o": 1}, n_hl=0, has_bias=False, quantizers=EVERY)
    tables.parts["network_0"].arrays["kernel"][:] = 3e38
    layer = tables.layer("t")
    endless = replace(layer, quantizers={**EVERY, "input": (quantizer(i=4, f=1),)})
    lowered(graph_of([endless], (2,)), input_formats={})
    norm = {"moving_mean": np.full(1, 3e38), "moving_variance": np.full(1, 1e-38)}
    config = {**layer.config, "normalize_axes": "o", "epsilon": 1e-38}
    undefined = Layer("t", "QEinsumDenseT", config, norm, layer.quantizers, layer.parts)
    with pytest.raises(NotExact) as caught:
        lowered(graph_of([undefined], (2,)))
    assert str(caught.value) == (
        "t (QEinsumDenseT) in net.keras: a value is NaN, infinite or too large for its quantizer: "
        "float32 holds no result. Give finite numbers."
    )


def test_ebops_by_hand():
    """Three edges of 3 + 1 input bits, three of 6 + 1, all of 5 + 1 table bits."""
    x = quantizer(1, np.array([[3], [6]]), 0)
    y = quantizer(1, 5, 0, overflow="SAT")
    tables = Tables("zi,io->zo", (2,), {"o": 3}, quantizers={"input": (x,), "table": (y,)})
    layer = replace(tables.layer("t"), config={**tables.config, "table_idxs": (6, 5)})
    (count,) = ebops(graph_of([layer], (2,)))
    assert count == pytest.approx(3 * 6 * (4 / 5 / 2 + 2**2 / 2) + 6 * 6)


def test_ebops_of_pruned_edges():
    """Without input bits a table is a constant; without table bits there is none."""
    x = quantizer(1, np.array([[-1], [3]]), 0)
    y = quantizer(1, np.array([[4, -1]]), 0, overflow="WRAP")
    tables = Tables("zi,io->zo", (2,), {"o": 2}, quantizers={"input": (x,), "table": (y,)})
    layer = replace(tables.layer("t"), config={**tables.config, "table_idxs": (6, 5)})
    (count,) = ebops(graph_of([layer], (2,)))
    assert count == pytest.approx(5 * (4 / 5 / 2) + 2 * 5)
