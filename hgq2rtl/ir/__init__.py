"""The intermediate representation: wire-level operations in one SSA Program.

Takes formats from ``fixed``; gives :class:`Program`, built by
:class:`Builder`, checked by :func:`verify`, evaluated by
:class:`Interpreter`, written as text or JSON.
"""

from . import operations
from .builder import Builder
from .operations import one_per_operation
from .program import Field, LayerName, Program, ProgramPort, Table, Value
from .serial import from_json, load, save, to_json
from .text import parse, to_text
from .verifier import verify

__all__ = [
    "Builder",
    "Field",
    "LayerName",
    "Program",
    "ProgramPort",
    "Table",
    "Value",
    "from_json",
    "load",
    "one_per_operation",
    "operations",
    "parse",
    "save",
    "to_json",
    "to_text",
    "verify",
]
