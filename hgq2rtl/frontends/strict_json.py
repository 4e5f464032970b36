"""JSON of a model file, read strictly.

Python's reader takes the last of two equal keys, integers of any length and
nesting up to the end of the stack; none of these occurs in an honest file.
``Infinity`` does (``i_decay_speed``), so it is read as a float, and whoever
uses a number checks that it is finite.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from ..errors import BadModelFile
from . import limits
from .untrusted import shown

_LONGEST_INTEGER = 40


def parse(data: bytes, what: str) -> Any:
    """The value that the JSON text `data` holds; `what` names it in messages.

    Raises
    ------
    BadModelFile
        If the text is no valid UTF-8 or JSON, gives a key twice, holds an integer of more than
        40 digits, or nests deeper than any model.
    """
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_no_duplicates, parse_int=_short_integer)
    except RecursionError:
        raise BadModelFile(_too_deep(what)) from None
    except UnicodeDecodeError as error:
        raise BadModelFile(
            f"{what}: the text is not UTF-8 at byte {error.start}. "
            f"Copy the file again or save the model again."
        ) from error
    except ValueError as error:
        raise BadModelFile(f"{what}: {error}. Save the model again.") from error
    if _depth_exceeds(value, limits.JSON_DEPTH):
        raise BadModelFile(_too_deep(what))
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {shown(twice)!r} is given twice, so its value is ambiguous")
    return found


def _short_integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise ValueError(f"an integer of {len(digits)} digits is no size of a model")
    return int(digits)


def _depth_exceeds(value: Any, limit: int) -> bool:
    """Whether lists and objects nest deeper than `limit`; walks level by level."""
    level = [value]
    for _ in range(limit):
        level = [item for container in level for item in _items(container)]
        if not level:
            return False
    return True


def _items(value: Any) -> list[Any]:
    """What lies directly in a list or object; only these can nest further."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in inside if isinstance(item, dict | list)]


def _too_deep(what: str) -> str:
    return f"{what}: lists and objects nest deeper than in any model. Save the model again."
