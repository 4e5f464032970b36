"""Solved graphs on disk, found by the content of what was asked.

The folder is believed nothing: an entry that is damaged, foreign or hostile is
as good as none, because a graph from it is proved equal to its matrix exactly
as a fresh one is. Any number of processes may share a folder, and no trouble
with it ever stops a compile: then graphs are solved again.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from .. import _kernel
from ..machine import cache_folder
from .graph import ZERO, AdderGraph, Node, Output
from .problem import Task
from .solver import least_depth

FORMAT = "hgq2rtl-adder-graph-1"
CACHE_BYTES = 64 * 2**20
"""Of the folder, between two compiles: about 1,000 networks of 64,000 EBOPs, and few enough files
to look at after each compile that adds one."""
ENTRY_BYTES = 16 * 2**20
"""Of one graph: a million operands and shifts."""
SPARE_BITS = 256
"""How much wider than its matrix a graph may be inside: far more than any solver makes it, and
little enough that no entry can fill the memory before it is proved."""


class Cache:
    """A folder of solved graphs, bounded: those that were used least lately go first."""

    def __init__(self, folder: Path | None = None, largest: int = CACHE_BYTES):
        """Without `folder`, ``cmvm`` in the user's cache; nothing is made before it is needed."""
        self._given = folder
        self.largest = largest

    def load(self, task: Task) -> AdderGraph | None:
        """The graph that :meth:`store` kept for an equal task, proved; None without a sound one."""
        path = self._path(task)
        if path is None:
            return None
        try:
            graph = _read(path)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        if not is_sound(graph, task):
            return None
        with suppress(OSError):
            os.utime(path)  # used now; another user's folder may be read only
        return graph

    def store(self, task: Task, graph: AdderGraph) -> None:
        """Keep `graph`; whoever reads meanwhile sees the whole entry or none."""
        path = self._path(task)
        text = json.dumps(_to_json(graph), separators=(",", ":")).encode()
        if path is None or len(text) > min(ENTRY_BYTES, self.largest):
            return
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_aside(path, text)

    def trim(self) -> None:
        """Remove what was used least lately until the folder is within its bound."""
        folder = self._folder()
        if folder is None:
            return
        with suppress(OSError):
            files = [each for each in os.scandir(folder) if each.is_file(follow_symlinks=False)]
            entries = []
            for file in files:
                with suppress(OSError):  # another process removed it
                    status = file.stat(follow_symlinks=False)
                    entries.append((status.st_mtime_ns, status.st_size, file.path))
            excess = sum(size for _, size, _ in entries) - self.largest
            for _, size, path in sorted(entries):
                if excess <= 0:
                    return
                with suppress(OSError):
                    os.unlink(path)
                excess -= size

    def _path(self, task: Task) -> Path | None:
        folder = self._folder()
        if folder is None:
            return None
        content = f"{FORMAT} {solver_fingerprint()} {task.content}"
        return folder / f"{sha256(content.encode()).hexdigest()}.json"

    def _folder(self) -> Path | None:
        """None for a user without a home."""
        if self._given is not None:
            return self._given
        try:
            return cache_folder() / "cmvm"
        except RuntimeError:
            return None


@cache
def solver_fingerprint() -> str:
    """Of all that decides which graph comes out: another build never answers for this one."""
    digest = sha256()
    for path in [Path(_kernel.__file__), *sorted(Path(__file__).parent.glob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_sound(graph: AdderGraph, task: Task) -> bool:
    """Whether a graph of unknown origin is well formed, and equal to the matrix of `task`."""
    matrix = task.problem.matrix.astype(object)
    return (
        (graph.inputs, len(graph.outputs)) == matrix.shape
        and _is_well_formed(graph)
        and _is_narrow(graph, max((abs(n).bit_length() for n in matrix.flat), default=0))
        and _is_shallow(graph, task)
        and _is_equal(graph, matrix)
    )


def _is_equal(graph: AdderGraph, matrix: np.ndarray) -> bool:
    try:
        return np.array_equal(graph.matrix(), matrix)
    except ArithmeticError:  # an output shifted right although it is odd
        return False


def _is_well_formed(graph: AdderGraph) -> bool:
    for number, (a, shift_a, sign_a, b, shift_b, sign_b) in enumerate(graph.nodes, graph.inputs):
        if not (0 <= a < number and 0 <= b < number and min(shift_a, shift_b) == 0):
            return False
        if (sign_a, sign_b) not in ((1, 1), (1, -1), (-1, 1)):
            return False
    wires = graph.inputs + len(graph.nodes)
    return _is_fusion(graph) and all(
        sign in (1, -1) and ZERO <= node < wires for node, _, sign in graph.outputs
    )


def _is_fusion(graph: AdderGraph) -> bool:
    """Whether each fused node has one reader, and each row at most one of them."""
    fused = set(graph.fused)
    readers = Counter(operand for node in graph.nodes for operand in (node.a, node.b))
    outputs = {output.node for output in graph.outputs}
    nodes = range(graph.inputs, graph.inputs + len(graph.nodes))
    return (
        len(fused) == len(graph.fused)
        and all(n in nodes and readers[n] == 1 and n not in outputs for n in fused)
        and all(
            sum(n in fused for n in (number, node.a, node.b)) <= 1
            for number, node in enumerate(graph.nodes, graph.inputs)
        )
    )


def _is_shallow(graph: AdderGraph, task: Task) -> bool:
    """Whether no output is deeper than the options allow."""
    columns = task.problem.matrix.T.tolist()
    arrivals = task.problem.arrivals or (0,) * graph.inputs
    depths = graph.depths(arrivals)
    limit = least_depth(columns, arrivals) + task.options.depth_slack
    return all(depths[output.node] <= limit for output in graph.outputs if output.node != ZERO)


def _is_narrow(graph: AdderGraph, bits: int) -> bool:
    """Whether no coefficient is much wider than those of the matrix, judged by shifts alone."""
    limit = bits + SPARE_BITS
    widest = [1] * graph.inputs
    for a, shift_a, _, b, shift_b, _ in graph.nodes:
        widest.append(1 + max(widest[a] + shift_a, widest[b] + shift_b))
        if widest[-1] > limit:
            return False
    return all(abs(output.shift) <= limit for output in graph.outputs)


def _read(path: Path) -> AdderGraph:
    if not path.is_file():  # a pipe would make us wait
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        text = file.read(ENTRY_BYTES + 1)
    if len(text) > ENTRY_BYTES:
        raise ValueError("longer than any entry")
    return _from_json(json.loads(text))


def _write_aside(path: Path, text: bytes) -> None:
    """Into a file of its own, then renamed: two writers cannot mix."""
    handle, aside = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        os.replace(aside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)
        raise


def _to_json(graph: AdderGraph) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "inputs": graph.inputs,
        "nodes": graph.nodes,
        "outputs": graph.outputs,
        "fused": graph.fused,
    }


def _from_json(data: Any) -> AdderGraph:
    if data["format"] != FORMAT:
        raise ValueError("another format")
    [inputs] = _integers([data["inputs"]])
    return AdderGraph(
        inputs,
        tuple(Node(*_integers(node)) for node in data["nodes"]),
        tuple(Output(*_integers(output)) for output in data["outputs"]),
        tuple(_integers(data["fused"])),
    )


def _integers(stored: list[Any]) -> list[int]:
    if not all(type(number) is int for number in stored):
        raise TypeError("something else than an integer")
    return stored
