"""Evaluation of Programs over batches; see hgq2rtl.ir.interpreter. Source: csrc/."""

from collections.abc import Callable, Sequence

import numpy as np

OPERATIONS: tuple[str, ...]
RELATIONS: tuple[str, ...]
FUNCTIONS: tuple[str, ...]
ROUNDINGS: tuple[str, ...]
OVERFLOWS: tuple[str, ...]
LEVEL: str
LUT: int
MOST_LEVELS: int
COEFFICIENT_BITS: int

class Tape:
    def __init__(
        self,
        operation: np.ndarray,
        start: np.ndarray,
        operand: np.ndarray,
        weight: np.ndarray,
        attribute: np.ndarray,
        lo: np.ndarray,
        hi: np.ndarray,
        wraps: np.ndarray,
        tables: list[tuple[int, np.ndarray]],
        kept: np.ndarray,
        first_field: np.ndarray,
        fields: int,
    ) -> None: ...
    @staticmethod
    def identity(fields: int) -> Tape: ...
    @property
    def lane(self) -> int: ...
    @property
    def slots(self) -> int: ...
    @property
    def instructions(self) -> int: ...

class Fields:
    def __init__(self, rows: Sequence[tuple[float, ...]]) -> None: ...

def evaluate(
    tape: Tape,
    fields: Fields,
    inputs: list[np.ndarray],
    outputs: list[np.ndarray],
    kept: list[tuple[int, int, float]],
    samples: int,
    threads: int,
    level: str = "",
) -> tuple[int, int, str] | None: ...
def solve_cmvm(
    matrix: np.ndarray,
    inputs: list[tuple[int, int]],
    arrivals: list[int],
    levels: int,
    is_signed: bool,
    carry_position: int,
    fuses: bool,
    trees: int,
    has_spanning_trees: bool,
    steps: int,
    runs: int,
    seed: int,
    should_stop: Callable[[], bool] | None,
) -> tuple[list[list[int]], list[list[int]], list[int], int]: ...
def share_cmvm(
    matrix: np.ndarray,
    inputs: list[tuple[int, int]],
    arrivals: list[int],
    levels: int,
    carry_position: int,
) -> tuple[list[list[int]], list[list[list[int]]]]: ...
