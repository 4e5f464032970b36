"""Text of a model file in messages.

Names and options come from a file that may be hostile. What reaches a
terminal, a log or a report is one short line without control characters.
"""

from __future__ import annotations

import reprlib
from typing import Any

LONGEST_NAME = 60


def shown(text: str, longest: int = LONGEST_NAME) -> str:
    r"""`text` on one line: cut to `longest` characters, what does not print escaped.

    Examples
    --------
    >>> shown("dense_1"), shown("a\nb"), shown("x" * 99, longest=8)
    ('dense_1', 'a\\nb', 'xxxxx...')
    """
    if len(text) > longest:
        text = text[: longest - 3] + "..."
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def value_shown(value: Any) -> str:
    """An option's value, short and on one line, as Python writes it."""
    return shown(_SHORT.repr(value), longest=2 * LONGEST_NAME)


def place(name: str, class_name: str, source: str) -> str:
    """``dense_3 (QDense) in jet.keras``: how a message about a layer begins."""
    return f"{shown(name)} ({shown(class_name)}) in {source}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


_SHORT = reprlib.Repr()
_SHORT.maxlevel = 3
_SHORT.maxstring = _SHORT.maxother = LONGEST_NAME
