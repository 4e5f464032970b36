"""Python files that the user names on the command line: functions of tables and logic.

Only what the user points to is run; nothing of a model file is.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import BadOption


class FileFunctions(Mapping[str, Callable[..., Any]]):
    """Registered functions from a file: its dict ``functions``, else functions of that name.

    ``zoo>bump`` is ``functions["zoo>bump"]``, or the file's function ``bump``.
    """

    def __init__(self, path: Path):
        self._found = run_file(path)
        given = self._found.get("functions", {})
        if not isinstance(given, Mapping):
            raise BadOption(
                f"{path}: 'functions' must be a dict from \"package>name\" to a function"
            )
        self._given = {str(key): value for key, value in given.items()}

    def __getitem__(self, name: str) -> Callable[..., Any]:
        found = self._given.get(name, self._found.get(name.rpartition(">")[2]))
        if not callable(found):
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        """The names that the file gives in full; it may serve more."""
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __bool__(self) -> bool:
        return True


def function_of_file(text: str) -> Callable[..., Any]:
    """The function that ``FILE.py:NAME`` names.

    Raises
    ------
    BadOption
        If the text is not of this form, the file does not run, or holds no such function.
    """
    path, colon, name = text.rpartition(":")
    if not colon or not name.isidentifier():
        raise BadOption(f"{text!r} names no function: write FILE.py:NAME")
    found = run_file(Path(path)).get(name)
    if not callable(found):
        raise BadOption(f"{path} defines no function {name!r}: check the name")
    return found


def run_file(path: Path) -> dict[str, Any]:
    """The names that a Python file defines."""
    if not path.is_file():
        raise BadOption(f"{path}: no such file. Give a Python file.")
    try:
        return runpy.run_path(str(path))
    except Exception as problem:
        raise BadOption(
            f"{path} does not run: {type(problem).__name__}: {problem}. Try it with python."
        ) from problem
