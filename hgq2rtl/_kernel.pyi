"""Evaluation of Programs over batches; see hgq2rtl.ir.interpreter. Source: csrc/."""

from collections.abc import Sequence

import numpy as np

OPERATIONS: tuple[str, ...]
RELATIONS: tuple[str, ...]
FUNCTIONS: tuple[str, ...]
ROUNDINGS: tuple[str, ...]
OVERFLOWS: tuple[str, ...]
LEVEL: str

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
