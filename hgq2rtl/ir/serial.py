"""Programs as versioned JSON, for machines: ``program.json`` and ``program.json.gz``.

The file holds the columns. The loader refuses what it does not know and
verifies what it reads: a file from elsewhere is untrusted input.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadProgram
from ..fixed import Format
from .operations import MOST_ATTRIBUTES, OPERATIONS
from .program import Field, LayerName, Program, ProgramPort, Table, integer_array
from .verifier import verify

KIND = "hgq2rtl-program"
VERSION = 2
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
    "block": np.int32,
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
            f"Program version {data.get('version')!r:.40} is unknown here: this hgq2rtl reads "
            f"version {VERSION}. Compile the model again."
        )
    if data.get("operations") != [o.name for o in OPERATIONS]:
        raise BadProgram("the Program uses another set of operations. Compile the model again.")
    try:
        program = _program(data)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as problem:
        raise BadProgram(f"the Program is damaged: {problem!r:.200}") from None
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
        is_too_long = len(text) > LARGEST
        data = None if is_too_long else json.loads(text)
    except (OSError, EOFError, zlib.error, RecursionError, ValueError) as problem:
        raise BadProgram(f"{path} cannot be read as a Program: {problem}") from None
    if is_too_long:
        raise BadProgram(f"{path.name} holds more than {LARGEST} bytes")
    return from_json(data)


def _program(data: dict[str, Any]) -> Program:
    columns = {name: _column(data["columns"][name], kind) for name, kind in _COLUMNS.items()}
    n = len(columns["operation"])
    attribute = np.zeros((n, MOST_ATTRIBUTES), np.int64)
    for v, row in data["attribute"].items():
        attribute[_index(v, n)] = _column(row, np.int64, MOST_ATTRIBUTES)
    return Program(
        **columns,
        weight=_weights(data["weight"], len(columns["operand"])),
        attribute=attribute,
        big={_index(v, n): (int(lo), int(hi)) for v, (lo, hi) in data["big"].items()},
        inputs=tuple(_port(each) for each in data["inputs"]),
        outputs=tuple(_port(each) for each in data["outputs"]),
        layers=tuple(LayerName(str(name), str(kind)) for name, kind in data["layers"]),
        tables=tuple(
            Table(_integer(base), integer_array([_integer(n) for n in contents]))
            for base, contents in data["tables"]
        ),
    )


def _column(stored: list[int], kind: type, length: int | None = None) -> np.ndarray:
    """A flat list of integers that `kind` holds: NumPy alone would cut or wrap them."""
    if not all(type(n) is int for n in stored):
        raise TypeError("a column holds something else than integers")
    if length is not None and len(stored) != length:
        raise ValueError(f"{len(stored)} numbers instead of {length}")
    wide = np.array(stored, np.int64)
    column: np.ndarray = wide.astype(kind)
    if not np.array_equal(column, wide):
        raise ValueError(f"a column holds a number that is no {np.dtype(kind)}")
    return column


def _integer(stored: Any) -> int:
    if type(stored) is not int:
        raise TypeError(f"{stored!r:.40} is no integer")
    return stored


def _index(text: str, limit: int) -> int:
    number = int(text)
    if not 0 <= number < limit:
        raise IndexError(f"row {number} of {limit}")
    return number


def _weights(stored: dict[str, int], count: int) -> np.ndarray:
    weights = np.zeros(count, integer_array([_integer(w) for w in stored.values()]).dtype)
    for n, weight in stored.items():
        weights[_index(n, count)] = weight
    return weights


def _port_json(port: ProgramPort) -> dict[str, Any]:
    return {
        "name": port.name,
        "shape": list(port.shape),
        "fields": [_field_json(field) for field in port.fields],
    }


def _field_json(field: Field) -> list[Any]:
    return [
        field.element,
        str(field.format),
        field.rounding,
        field.overflow,
        field.scaler,
        field.keeps_negative,
        field.float_type,
    ]


def _port(data: dict[str, Any]) -> ProgramPort:
    return ProgramPort(
        str(data["name"]),
        tuple(_integer(n) for n in data["shape"]),
        tuple(_port_field(*field) for field in data["fields"]),
    )


def _port_field(
    element: int,
    format: str,
    rounding: str,
    overflow: str,
    scaler: float,
    sign: bool | None,
    float_type: str,
) -> Field:
    keeps_negative = None if sign is None else bool(sign)
    return Field(
        _integer(element),
        Format.parse(format),
        str(rounding),
        str(overflow),
        float(scaler),
        keeps_negative,
        str(float_type),
    )
