"""EBOPs of tables, softmax and attention: what HGQ2 counted when the models were traced."""

from __future__ import annotations

import numpy as np
import pytest

from hgq2rtl.frontends import Layer, read
from hgq2rtl.lowering.ebops import ebops

from ..journeys.trained import ZOO, index, needs_models
from .graphs import graph_of, quantizer
from .test_ebops import of_bits, only

PREFIXES = ("mha", "linformer", "salt", "softmax", "lut")
ROWS = [row for row in index(ZOO) if row["name"].startswith(PREFIXES)]


@needs_models
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_every_part_counts_as_hgq2_counts_it(row):
    """Each layer's count is rounded down in the file, so the sum may be a few short."""
    stored = row["ebops"]["layers"]
    count = sum(ebops(read(ZOO / f"{row['name']}.keras")))
    assert sum(stored.values()) <= count + 1e-6 < sum(stored.values()) + len(stored) + 1


def test_a_table_by_hand():
    """Three tables of 2**4 entries of 5 bits."""
    table = Layer(
        "t",
        "QUnaryFunctionLUT",
        quantizers={"input": (of_bits([4, 4, 4]),), "output": (of_bits(5),)},
    )
    assert np.isclose(only(table, (3,)), 3 * 16 * 5 * 1e-4)


def test_a_softmax_by_hand():
    """Two numbers: distances of 3 bits, exponentials of 5, their sum, products by 7 bits."""
    made = Layer(
        "s",
        "QSoftmax",
        {"axes": (0,), "stable": True, "input_scaler": 1.0},
        parts={
            "exp_table": Layer(
                "e",
                "QUnaryFunctionLUT",
                quantizers={"input": (of_bits([3]),), "output": (of_bits([5]),)},
            ),
            "inv_table": Layer(
                "i",
                "QUnaryFunctionLUT",
                quantizers={"input": (of_bits([6]),), "output": (of_bits([7]),)},
            ),
        },
    )
    tables = (2 * 2**3 * 5 + 2**6 * 7) * 1e-4
    assert np.isclose(only(made, (2,)), 2 * 3 + (10 - 5) + 2 * 5 * 7 + tables)
    wide = Layer(**{**vars(made), "quantizers": {"input": (quantizer(1, 4, 0),)}})
    (count,) = ebops(graph_of([wide], (2,)))
    assert np.isclose(count - only(made, (2,)), 2 * (4 - 3))
