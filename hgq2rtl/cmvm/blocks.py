"""Constant products in a file: read, solved, written so that anybody can check them.

The format of ``docs/cmvm.md``. A file is untrusted: sizes are checked before
anything is built of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInput, BadOption
from ..fixed.interval import Interval
from .cache import Cache
from .graph import AdderGraph
from .many import Progress, solve_tasks
from .options import Cost, Options
from .price import Price, price
from .problem import Problem, Task

FILE_BYTES = 32 * 2**20
BLOCKS = 10_000
WEIGHTS = 2**20
"""Of one block."""
INTEGER_BITS = 512
"""Of a weight or the end of an interval; and the farthest that inputs' units lie apart."""
LONGEST_NAME = 200
_LONGEST_INTEGER = 160
"""Digits: more than `INTEGER_BITS` ever take."""


@dataclass(frozen=True, eq=False)
class Block:
    """``y_j = sum_i K_ij * x_i * 2**lsb_i``, ``x_i`` any integer of its interval."""

    name: str
    matrix: np.ndarray
    """K, shape (inputs, outputs), Python ints."""
    inputs: tuple[Interval, ...]
    lsb: tuple[int, ...]

    @property
    def offsets(self) -> list[int]:
        """How far the unit of each input lies above the lowest."""
        return [lsb - min(self.lsb) for lsb in self.lsb]

    @cached_property
    def problem(self) -> Problem:
        """The product over the integers ``x_i``: their units are in the weights."""
        scales = np.array([1 << offset for offset in self.offsets], object)
        return Problem(self.matrix * scales[:, None], self.inputs)

    def solve(
        self, options: Options | None = None, should_stop: Callable[[], bool] | None = None
    ) -> SolvedBlock:
        """Solve this block alone; see :func:`solve_blocks`."""
        return solve_blocks([self], options, should_stop=should_stop)[0]


@dataclass(frozen=True)
class SolvedBlock:
    """A block, and an adder graph that is proved equal to it."""

    block: Block
    graph: AdderGraph
    """Over the integers ``x_i`` of :attr:`Block.problem`."""

    @cached_property
    def rows(self) -> Price:
        """What the graph costs as unsigned rows."""
        return self.price(Cost(has_three_operand_rows=bool(self.graph.fused)))

    @cached_property
    def signed(self) -> Price:
        """What it costs as two's complement adders."""
        return self.price(Cost("signed"))

    def price(self, cost: Cost) -> Price:
        return price(self.graph, self.block.inputs, cost)

    def to_json(self) -> dict[str, Any]:
        """Plain data that says what each node is, in units of the lowest ``2**lsb``.

        Input ``i`` then stands for ``x_i << offset_i``; shifts of operands are counted from there.
        """
        offset = [*self.block.offsets, *[0] * (len(self.graph.nodes) + 1)]  # the last: of ZERO
        inputs = zip(self.block.inputs, self.block.lsb, strict=True)
        found = {
            "name": self.block.name,
            "inputs": [{"lo": lo, "hi": hi, "lsb": lsb} for (lo, hi), lsb in inputs],
            "nodes": [
                [a, shift_a - offset[a], sign_a, b, shift_b - offset[b], sign_b]
                for a, shift_a, sign_a, b, shift_b, sign_b in self.graph.nodes
            ],
            "outputs": [
                [node, shift - offset[node], sign] for node, shift, sign in self.graph.outputs
            ],
            "depth": self.rows.depth,
            "adders": self.rows.adders,
            "row_bits": self.rows.luts,
            "inverters": self.rows.inverters,
            "carry_positions": self.rows.carry_positions,
        }
        return found | ({"fused": list(self.graph.fused)} if self.graph.fused else {})


def solve_blocks(
    blocks: Sequence[Block],
    options: Options | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[SolvedBlock]:
    """Solve each block with the whole of the effort, several at a time.

    Parameters
    ----------
    blocks : sequence of Block
    options : Options, optional
    cache, progress, should_stop
        As for :func:`~hgq2rtl.cmvm.many.solve_tasks`.

    Raises
    ------
    BadOption
        If `options` price three-operand rows under the signed cost.
    """
    options = options or Options()
    if options.cost.kind == "signed" and options.cost.has_three_operand_rows:
        raise BadOption("three-operand rows have a price under the cost 'rows' only: choose one")
    tasks = [Task(block.problem, options) for block in blocks]
    graphs = solve_tasks(tasks, cache, progress, should_stop)
    return [SolvedBlock(block, graph) for block, graph in zip(blocks, graphs, strict=True)]


# -- reading -----------------------------------------------------------------------


def read_blocks(path: Path) -> list[Block]:
    """The blocks of a JSON file, in its order.

    Raises
    ------
    BadInput
        If the file cannot be read, is no such JSON, or holds a size beyond any circuit.
    """
    try:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES + 1)
    except OSError as problem:
        raise BadInput(f"{path} cannot be read: {problem.strerror}") from None
    if len(text) > FILE_BYTES:
        raise BadInput(
            f"{path}: more than {FILE_BYTES >> 20} MiB are more than any file of blocks. Split it."
        )
    return parse_blocks(text, path.name)


def parse_blocks(text: bytes, source: str) -> list[Block]:
    """The blocks of a JSON text; `source` names it in messages."""
    try:
        data = json.loads(text, object_pairs_hook=_no_duplicates, parse_int=_bounded)
    except RecursionError:
        raise BadInput(f"{source}: lists and objects nest deeper than in any block") from None
    except ValueError as problem:
        raise BadInput(f"{source} is no JSON that can be used: {problem}") from None
    if not isinstance(data, list) or len(data) > BLOCKS:
        raise BadInput(f"{source} must hold a list of at most {BLOCKS} blocks (see docs/cmvm.md)")
    blocks = [_block(each, n, source) for n, each in enumerate(data)]
    names: set[str] = set()
    for block in blocks:
        if block.name in names:
            raise BadInput(f"{source}: two blocks are called {block.name!r}. Rename one.")
        names.add(block.name)
    return blocks


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice!r:.60} is given twice, so its value is ambiguous")
    return found


def _bounded(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise ValueError(f"an integer of {len(digits)} digits is larger than any of a circuit")
    return int(digits)


def _block(data: Any, number: int, source: str) -> Block:
    where = f"{source}: block {number}"
    if not isinstance(data, dict):
        raise BadInput(f"{where} must be an object with name, K, lo, hi and lsb")
    missing = [key for key in ("name", "K", "lo", "hi", "lsb") if key not in data]
    if missing:
        raise BadInput(f"{where} lacks {', '.join(missing)}")
    name = data["name"]
    if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST_NAME):
        raise BadInput(
            f"{where}: its name must be a text of 1 to {LONGEST_NAME} printable characters"
        )
    where = f"{where} ({name})"
    matrix = _matrix(data, where)
    lo, hi, lsb = (_integers(data[key], key, len(matrix), where) for key in ("lo", "hi", "lsb"))
    for i, (least, most) in enumerate(zip(lo, hi, strict=True)):
        if least > most:
            raise BadInput(f"{where}: the interval of input {i} is empty, as lo > hi")
    if max(lsb, default=0) - min(lsb, default=0) > INTEGER_BITS:
        raise BadInput(f"{where}: its lsb lie more than {INTEGER_BITS} bits apart")
    return Block(name, matrix, tuple(zip(lo, hi, strict=True)), tuple(lsb))


def _matrix(data: dict[str, Any], where: str) -> np.ndarray:
    """K, checked against ``n_in`` and ``n_out`` where these are given."""
    rows = data["K"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise BadInput(f"{where}: K must be a list of rows, each a list of integers")
    n_in = len(rows)
    n_out = len(rows[0]) if rows else 0
    for key, found in (("n_in", n_in), ("n_out", n_out)):
        if type(data.get(key, found)) is not int or data.get(key, found) != found:
            raise BadInput(f"{where}: {key} is {data[key]!r:.40}, but K has {found}")
    if max(n_in, 1) * max(n_out, 1) > WEIGHTS:
        raise BadInput(
            f"{where}: {n_in} x {n_out} weights are more than any circuit holds; the limit is "
            f"{WEIGHTS}"
        )
    matrix = np.zeros((n_in, n_out), object)
    for i, row in enumerate(rows):
        matrix[i] = _integers(row, f"row {i} of K", n_out, where)
    return matrix


def _integers(stored: Any, what: str, length: int, where: str) -> list[int]:
    if not isinstance(stored, list) or not all(type(number) is int for number in stored):
        raise BadInput(f"{where}: {what} must be a list of integers")
    if len(stored) != length:
        raise BadInput(f"{where}: {what} has {len(stored)} numbers instead of {length}")
    if any(abs(number).bit_length() > INTEGER_BITS for number in stored):
        raise BadInput(f"{where}: {what} holds an integer of more than {INTEGER_BITS} bits")
    return stored
