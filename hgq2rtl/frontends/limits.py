"""How large a model may be: far beyond any circuit, far below the machine.

A size is checked before anything of that size is allocated.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..errors import TooLarge
from .untrusted import value_shown

MIB = 2**20

ARCHIVE_BYTES = 256 * MIB
"""The ``.keras`` file itself."""
CONFIG_BYTES = 8 * MIB
"""``config.json``: as Python objects it takes up to forty times as much."""
WEIGHTS_BYTES = 128 * MIB
"""``model.weights.h5``, and all arrays that are read from it."""
METADATA_BYTES = MIB
JSON_DEPTH = 200
NESTED_MODELS = 16
LAYERS = 10_000
CALLS = 20_000
PORTS = 1024
ELEMENTS = 2**20
"""Of one tensor, weights included."""
RANK = 16
PRODUCTS = 2**24
"""Of one layer, all its positions together."""
TABLE_INPUT_BITS = 18
"""As for tables that lowering fills: ``lowering.tables.WIDEST_INPUT``."""


def check_tensor(shape: Sequence[int], where: str) -> None:
    """Refuse a tensor that no circuit can hold.

    Raises
    ------
    TooLarge
        If `shape` has too many elements or axes.
    """
    if prod(shape) > ELEMENTS or len(shape) > RANK:
        raise TooLarge(
            f"{where}: a tensor of shape {value_shown(tuple(shape))} is larger than any circuit; "
            f"the limit is {ELEMENTS} elements and {RANK} axes. Check the sizes in the model."
        )


def check_products(count: int, where: str) -> None:
    """Refuse a layer of more products than any circuit holds.

    Raises
    ------
    TooLarge
        If there are more than `PRODUCTS`.
    """
    if count > PRODUCTS:
        raise TooLarge(
            f"{where}: {count} products in one layer are more than any circuit holds; the limit "
            f"is {PRODUCTS}. Check the sizes in the model."
        )
