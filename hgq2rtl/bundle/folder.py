"""Write the output folder in one move, and read it back."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hgq2rtl.sim as sim

from ..errors import BadInput, BadProgram, OutputExists
from ..ir import Program
from ..ir.interpreter import Interpreter
from ..ir.serial import load as load_program
from ..ir.serial import save as save_program
from ..rtl import CoreOptions, Rtl, from_files
from ..schedule import Schedule, schedule_from_json, schedule_to_json
from .documents import render_documents
from .ports_file import ports_json
from .stimulus import port_stimulus

BENCH_SAMPLES = 1000
"""Vectors beside the cocotb bench; `hgq2rtl check` makes as many as asked for."""
MARK = "report.json"
"""A folder with this file, of our kind, is ours and may be replaced."""


@dataclass(frozen=True)
class Bundle:
    """What an output folder holds."""

    program: Program
    schedule: Schedule
    rtl: Rtl
    report: dict[str, Any]
    lowered: Program
    """The Program before the passes, for statistics of quantizers."""


def write_bundle(bundle: Bundle, path: Path, is_forced: bool = False) -> None:
    """Write `path`: to a temporary folder beside it, then moved into place.

    Raises
    ------
    OutputExists
        If `path` exists and is not an output folder of ours, or is one and `is_forced` is not set.
    BadInput
        If the place cannot be written.
    """
    path = Path(os.path.abspath(path))
    check_target(path, is_forced)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _beside(path) as folder:
            _write_all(bundle, folder)
            _move(folder, path)
    except OSError as problem:
        raise BadInput(f"{path} cannot be written: {problem.strerror or problem}") from None


def check_target(path: Path, is_forced: bool) -> None:
    """Refuse an output folder before any work is done.

    Raises
    ------
    OutputExists
        If it holds what is not ours, or an earlier result and `is_forced` is not set.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise OutputExists(f"{path} is no folder. Choose another output folder.")
    if not path.exists() or not any(path.iterdir()):
        return
    if not _is_ours(path):
        raise OutputExists(
            f"{path} holds files that hgq2rtl did not write. Choose another output folder."
        )
    if not is_forced:
        raise OutputExists(f"{path} holds an earlier result. Add --force to replace it.")


def _is_ours(path: Path) -> bool:
    try:
        return "hgq2rtl" in json.loads((path / MARK).read_text())
    except (OSError, ValueError, TypeError):
        return False


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}-", dir=path.parent))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move(folder: Path, path: Path) -> None:
    """Replace `path` by `folder`; the old content goes only once the new one is complete."""
    if path.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}-old-", dir=path.parent))
        path.rename(old / "old")
        folder.rename(path)
        shutil.rmtree(old, ignore_errors=True)
    else:
        folder.rename(path)


def _write_all(bundle: Bundle, folder: Path) -> None:
    (folder / "rtl").mkdir()
    for name, text in bundle.rtl.files.items():
        (folder / "rtl" / name).write_text(text)
    save_program(bundle.program, folder / "program.json.gz")
    save_program(bundle.lowered, folder / "lowered.json.gz")
    _write_gz(folder / "schedule.json.gz", schedule_to_json(bundle.schedule))
    ports = ports_json(bundle.rtl, bundle.schedule)
    _write_json(folder / "ports.json", ports)
    _write_json(folder / "report.json", bundle.report)
    render_documents(bundle.rtl, bundle.schedule, bundle.report, folder)
    _write_bench(bundle, folder, ports)


def _write_bench(bundle: Bundle, folder: Path, ports: Mapping[str, Any]) -> None:
    mantissas = port_stimulus(bundle.program, BENCH_SAMPLES)
    expected = Interpreter(bundle.program).run(mantissas)
    layout = sim.load_ports(ports)
    sim.write_cocotb_bench(
        folder,
        layout,
        sim.pack_ports(layout.inputs, mantissas),
        sim.pack_ports(layout.outputs, expected),
    )


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n")


def _write_gz(path: Path, data: Any) -> None:
    text = json.dumps(data, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, 6, mtime=0))


def read_bundle(path: Path) -> Bundle:
    """Read what :func:`write_bundle` wrote.

    Raises
    ------
    BadInput
        If this is no output folder, or a file of it is damaged.
    """
    path = Path(path)
    if not _is_ours(path):
        raise BadInput(
            f"{path} is no output folder of hgq2rtl: it has no {MARK}. Give the folder that "
            "`hgq2rtl compile` wrote."
        )
    report = json.loads((path / MARK).read_text())
    with _named(path / "program.json.gz") as file:
        program = load_program(file)
    with _named(path / "lowered.json.gz") as file:
        lowered = load_program(file)
    try:
        with _named(path / "schedule.json.gz") as file, gzip.open(file) as content:
            timing = schedule_from_json(program, json.load(content))
        ports = json.loads((path / "ports.json").read_text())
        files = {file.name: file.read_text() for file in sorted((path / "rtl").glob("*.v"))}
        rtl = from_files(timing, ports["top"], _options(ports), files)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as problem:
        if isinstance(problem, BadInput):
            raise
        raise BadProgram(f"{path} is damaged: {problem!r}. Compile the model again.") from None
    if ports_json(rtl, timing) != ports:
        raise BadProgram(f"{path}: ports.json and program.json.gz do not belong together.")
    return Bundle(program, timing, rtl, report, lowered)


@contextmanager
def _named(file: Path) -> Iterator[Path]:
    """Errors inside name the file."""
    try:
        yield file
    except BadProgram as error:
        if str(file) in str(error):
            raise
        raise BadProgram(f"{file}: {error}") from None


def _options(ports: Mapping[str, Any]) -> CoreOptions:
    return CoreOptions(
        has_enable=ports["enable"] is not None,
        has_valid=ports["valid_in"] is not None,
        has_valid_reset=ports["reset"] is not None,
    )
