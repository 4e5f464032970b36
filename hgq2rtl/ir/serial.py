"""Programs as versioned JSON, for machines: ``program.json`` and ``program.json.gz``.

The file holds the columns. The loader refuses what it does not know and
verifies what it reads: a file from elsewhere is untrusted input.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadProgram
from ..fixed import Format
from .operations import MOST_ATTRIBUTES, OPERATIONS
from .program import Field, LayerName, Program, ProgramPort, Table
from .verifier import verify

KIND = "hgq2rtl-program"
VERSION = 1
LARGEST = 1 << 30
"""Bytes of JSON that the loader inflates at most."""

_COLUMNS = {
    "operation": np.uint8,
    "start": np.int64,
    "operand": np.int32,
    "lo": np.int64,
    "hi": np.int64,
    "exponent": np.int32,
    "wraps": bool,
    "layer": np.int32,
    "element": np.int32,
}


def to_json(program: Program) -> dict[str, Any]:
    """Plain data; :func:`from_json` gives an equal Program back."""
    columns = {name: getattr(program, name).astype(np.int64).tolist() for name in _COLUMNS}
    used = np.flatnonzero(program.attribute.any(axis=1))
    return {
        "kind": KIND,
        "version": VERSION,
        "operations": [o.name for o in OPERATIONS],
        "columns": columns,
        "weight": {str(n): int(w) for n, w in enumerate(program.weight.tolist()) if w},
        "attribute": {str(v): program.attribute[v].tolist() for v in used.tolist()},
        "big": {str(v): [str(n) for n in each] for v, each in program.big.items()},
        "inputs": [_port_json(port) for port in program.inputs],
        "outputs": [_port_json(port) for port in program.outputs],
        "layers": [[layer.name, layer.class_name] for layer in program.layers],
        "tables": [[table.base, table.contents.tolist()] for table in program.tables],
    }


def from_json(data: Any) -> Program:
    """Read and verify.

    Raises
    ------
    BadProgram
        If the data is of another kind or version, damaged, or unsound.
    """
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise BadProgram("this is no hgq2rtl Program: it lacks its kind")
    if data.get("version") != VERSION:
        raise BadProgram(
            f"Program version {data.get('version')!r} is unknown here: this hgq2rtl reads "
            f"version {VERSION}. Compile the model again."
        )
    if data.get("operations") != [o.name for o in OPERATIONS]:
        raise BadProgram("the Program uses another set of operations. Compile the model again.")
    try:
        program = _program(data)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as problem:
        raise BadProgram(f"the Program is damaged: {problem!r}") from None
    return verify(program)


def save(program: Program, path: Path) -> None:
    """Write ``.json``, or ``.json.gz`` by the file's name."""
    text = json.dumps(to_json(program), separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, 6, mtime=0) if path.suffix == ".gz" else text)


def load(path: Path) -> Program:
    """Read what :func:`save` wrote."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise BadProgram(f"{path.name} holds more than {LARGEST} bytes")
        return from_json(json.loads(text))
    except (OSError, EOFError, UnicodeDecodeError, RecursionError, json.JSONDecodeError) as problem:
        raise BadProgram(f"{path} cannot be read as a Program: {problem}") from None


def _program(data: dict[str, Any]) -> Program:
    columns = {
        name: np.array(data["columns"][name], np.int64).astype(kind)
        for name, kind in _COLUMNS.items()
    }
    n = len(columns["operation"])
    attribute = np.zeros((n, MOST_ATTRIBUTES), np.int64)
    for v, row in data["attribute"].items():
        attribute[_index(v, n)] = row
    return Program(
        **columns,
        weight=_weights(data["weight"], len(columns["operand"])),
        attribute=attribute,
        big={_index(v, n): (int(lo), int(hi)) for v, (lo, hi) in data["big"].items()},
        inputs=tuple(_port(each) for each in data["inputs"]),
        outputs=tuple(_port(each) for each in data["outputs"]),
        layers=tuple(LayerName(str(name), str(kind)) for name, kind in data["layers"]),
        tables=tuple(
            Table(int(base), np.array(contents, np.int64)) for base, contents in data["tables"]
        ),
    )


def _index(text: str, limit: int) -> int:
    number = int(text)
    if not 0 <= number < limit:
        raise IndexError(f"row {number} of {limit}")
    return number


def _weights(stored: dict[str, int], count: int) -> np.ndarray:
    fits = all(-(2**63) <= w < 2**63 for w in stored.values())
    weights = np.zeros(count, np.int64 if fits else object)
    for n, weight in stored.items():
        weights[_index(n, count)] = int(weight)
    return weights


def _port_json(port: ProgramPort) -> dict[str, Any]:
    return {
        "name": port.name,
        "shape": list(port.shape),
        "fields": [
            [f.element, str(f.format), f.rounding, f.overflow, f.scaler, f.keeps_negative]
            for f in port.fields
        ],
    }


def _port(data: dict[str, Any]) -> ProgramPort:
    return ProgramPort(
        str(data["name"]),
        tuple(int(n) for n in data["shape"]),
        tuple(_port_field(*field) for field in data["fields"]),
    )


def _port_field(
    element: int, format: str, rounding: str, overflow: str, scaler: float, sign: bool | None
) -> Field:
    keeps_negative = None if sign is None else bool(sign)
    return Field(
        int(element),
        Format.parse(format),
        str(rounding),
        str(overflow),
        float(scaler),
        keeps_negative,
    )
