"""Shares of values that wrap or saturate, counted by hand."""

import numpy as np
import pytest

from hgq2rtl.verify import OverflowShare, overflow_shares


def test_ports_and_layers_are_counted_apart(tiny):
    """x[0] holds -16 to 15.875 in eighths and wraps; x[1] 0 to 15 and saturates; their sum
    saturates outside -8 to 7.75."""
    x = np.array(
        [
            [0.0, 0.0],  # nothing
            [15.9, 0.0],  # 15.9 rounds to 15.875, which fits; the sum does not
            [15.95, 0.0],  # rounds to 16, wraps to -16, and the sum is below -8
            [-3.0, 20.0],  # saturates to 15, and so does the sum, 12
            [-3.0, -1.0],  # saturates to 0
        ]
    )
    assert overflow_shares(tiny.lowered, [x]) == [
        OverflowShare("input x", "WRAP", 1, 0.2, 0.2, 0, 0.2),
        OverflowShare("input x", "SAT", 1, 0.4, 0.4, 1, 0.4),
        OverflowShare("sum", "SAT", 1, 0.6, 0.6, 0, 0.6),
    ]


def test_huge_and_tiny_numbers(tiny):
    wraps, saturates, _ = overflow_shares(tiny.lowered, [np.array([[3e30, 1e-40], [1e-40, 3e30]])])
    assert (wraps.share_of_values, saturates.share_of_values) == (0.5, 0.5)


def test_nothing_leaves_its_range(tiny):
    assert all(s.share_of_samples == 0 for s in overflow_shares(tiny.lowered, [np.zeros((4, 2))]))


@pytest.mark.parametrize(
    ("mode", "verb"),
    [("WRAP", "wrap"), ("WRAP_SM", "wrap"), ("SAT", "saturate"), ("SAT_SYM", "saturate")],
)
def test_in_words(mode, verb):
    share = OverflowShare("dense_1", mode, 20, 0.0125, 0.25, 7, 0.2)
    assert str(share) == (
        f"dense_1: 1.25 % of values {verb} (25 % of samples; worst: element 7, 20 %)"
    )
