"""Programs that hgq2rtl does not rely on read what it wrote: Icarus, Yosys' synthesis, Tcl."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl import sim
from hgq2rtl.ir.interpreter import Interpreter

from .outside_yosys import cell_models, run, yosys
from .trained import MODELS, needs_models

SMALLEST = MODELS / "hgq2" / "jsc_openml" / "ebops530.keras"
OPTIONS = {
    "plain": {},
    "combinational": {"combinational": True},
    "controls": {"stages": 3, "clock_enable": True, "valid": True, "valid_reset": True},
    "no registers at the ports": {
        "stages": 2,
        "input_register": False,
        "output_register": False,
    },
    "operators": {"primitives": False},
    "7 series": {"part": "xc7k325tffg900-2", "stages": 2},
}

needs_icarus = pytest.mark.skipif(
    not shutil.which("iverilog"), reason="Icarus Verilog is not installed"
)
needs_tcl = pytest.mark.skipif(not shutil.which("tclsh"), reason="tclsh is not installed")


@pytest.fixture(scope="module")
def folders(digits, tmp_path_factory):
    """An output folder for each set of options, made when it is first asked for."""
    place = tmp_path_factory.mktemp("folders")

    def folder(name, model=digits):
        path = place / f"{Path(model).stem} {name}"
        return path if path.exists() else hgq2rtl.compile(model, **OPTIONS[name]).write(path)

    return folder


# -- Icarus ------------------------------------------------------------------------------


@needs_icarus
@pytest.mark.parametrize("options", OPTIONS)
def test_icarus_reads_it_as_verilog_2001_without_a_warning(folders, options):
    folder = folders(options)
    files = sorted((folder / "rtl").glob("*.v"))
    told = run("iverilog", "-g2001", "-Wall", "-t", "null", "-s", "digits", *files, cwd=folder)
    assert told == ""


@needs_icarus
@needs_models
def test_icarus_reads_a_trained_network(folders):
    folder = folders("plain", SMALLEST)
    files = sorted((folder / "rtl").glob("*.v"))
    told = run("iverilog", "-g2001", "-Wall", "-t", "null", "-s", SMALLEST.stem, *files, cwd=folder)
    assert told == ""


@pytest.mark.slow
@needs_icarus
def test_the_folders_own_bench_runs_on_icarus(folders, tmp_path):
    folder = shutil.copytree(folders("controls"), tmp_path / "digits")
    told = run(sys.executable, "sim/run.py", "--sim", "icarus", cwd=folder)
    assert told.rstrip().endswith("(icarus)") and "bit-exact: 1000 samples, 0 mismatches" in told


# -- Yosys -------------------------------------------------------------------------------


def synthesised(folder, tmp_path):
    """A copy of `folder` in which its own Yosys script has run; gives its path and cell counts."""
    copy = shutil.copytree(folder, tmp_path / "synthesised")
    run(*yosys(), "-q", "yosys.ys", cwd=copy / "synth")
    top = json.loads((copy / "report.json").read_text())["top"]
    counts = (copy / "synth" / f"{top}_cells.txt").read_text()
    return copy, {name: int(n) for n, name in re.findall(r"^ +(\d+) +(\w+)$", counts, re.MULTILINE)}


def netlist_equals_the_interpreter(folder, samples=2000):
    design = hgq2rtl.load(folder)
    top = design.rtl.top
    ports = sim.load_ports(folder / "ports.json")
    netlist = folder / "synth" / f"{top}_netlist.v"
    assert not re.search(r"^ +always", netlist.read_text(), re.MULTILINE)  # cells only
    bench = sim.build([netlist, cell_models(yosys())], ports, folder / "build")
    mantissas = hgq2rtl.verify.port_stimulus(design.program, samples)
    got = sim.unpack_ports(ports.outputs, bench.run(sim.pack_ports(ports.inputs, mantissas)))
    for mine, right in zip(got, Interpreter(design.program).run(mantissas), strict=True):
        assert np.array_equal(mine, right)


def test_yosys_synthesises_and_its_netlist_equals_the_interpreter(folders, digits, tmp_path):
    model = SMALLEST if SMALLEST.exists() else digits
    folder, cells = synthesised(folders("plain", model), tmp_path)
    report = json.loads((folder / "report.json").read_text())
    luts = sum(count for name, count in cells.items() if re.fullmatch("LUT[1-6](_2)?", name))
    assert 0 < luts < 2 * report["luts"]
    assert cells["FDRE"] <= report["register_bits"]
    netlist_equals_the_interpreter(folder)


@pytest.mark.slow
@needs_models
@pytest.mark.parametrize("options", OPTIONS)
def test_yosys_synthesises_every_kind_of_core(folders, tmp_path, options):
    folder, cells = synthesised(folders(options, SMALLEST), tmp_path)
    assert ("FDRE" in cells) == (options != "combinational")
    assert ("LUT6_2" in cells) == (options != "operators")
    netlist_equals_the_interpreter(folder)


# -- Tcl ---------------------------------------------------------------------------------

RECORDER = """
# Every command that Tcl does not know is the vendor's: note it.
proc unknown {args} { puts "CALL [join $args \\x1f]"; return "" }
foreach script $argv {
    set text [read [open $script]]
    if {![info complete $text]} { puts "INCOMPLETE $script"; exit 1 }
    source $script
}
"""


def vendor_calls(folder, *scripts):
    recorder = folder / "recorder.tcl"
    recorder.write_text(RECORDER)
    told = run("tclsh", recorder, *(folder / "synth" / name for name in scripts), cwd=folder)
    lines = told.splitlines()
    assert all(line.startswith("CALL ") for line in lines), told
    return [line.removeprefix("CALL ").split("\x1f") for line in lines]


def files_named_in(calls):
    words = [word for call in calls for word in call if re.search(r"\.(v|xdc|sdc)$", word)]
    return [Path(os.path.normpath(word)) for word in words]


@needs_tcl
@pytest.mark.parametrize("options", OPTIONS)
def test_the_vivado_script_reads_every_file(folders, tmp_path, options):
    folder = shutil.copytree(folders(options), tmp_path / "a folder with spaces")
    calls = vendor_calls(folder, "vivado.tcl")
    named = files_named_in(calls)
    assert sorted(named) == sorted([*(folder / "rtl").glob("*.v"), folder / "synth" / "digits.xdc"])
    done = [call[0] for call in calls]
    steps = ["create_project", "read_verilog", "read_xdc", "synth_design", "place_design"]
    steps += ["route_design", "report_utilization", "report_timing_summary"]
    assert sorted(steps, key=done.index) == [
        *steps[:4],
        "report_utilization",
        "report_timing_summary",
        *steps[4:6],
    ]
    (synth,) = [call for call in calls if call[0] == "synth_design"]
    part = OPTIONS[options].get("part", "xcvu13p-flga2577-2-e")
    assert synth[1:5] == ["-top", "digits", "-part", part]


@needs_tcl
@pytest.mark.parametrize("options", OPTIONS)
def test_the_quartus_script_reads_every_file(folders, tmp_path, options):
    folder = shutil.copytree(folders(options), tmp_path / "a folder with spaces")
    calls = vendor_calls(folder, "quartus.tcl")
    named = files_named_in(calls)
    assert sorted(named) == sorted([*(folder / "rtl").glob("*.v"), folder / "synth" / "digits.sdc"])
    assert ["set_global_assignment", "-name", "TOP_LEVEL_ENTITY", "digits"] in calls
    macro = ["set_global_assignment", "-name", "VERILOG_MACRO", "HGQ2RTL_NO_PRIMITIVES=1"]
    assert (macro in calls) == (options != "operators")
    assert [call[0] for call in calls][-2:] == ["execute_flow", "project_close"]


@needs_tcl
@pytest.mark.parametrize("options", OPTIONS)
def test_constraints_name_the_clock_that_is_there(folders, tmp_path, options):
    folder = shutil.copytree(folders(options), tmp_path / "digits")
    ports = json.loads((folder / "ports.json").read_text())
    report = json.loads((folder / "report.json").read_text())
    for name in ("digits.xdc", "digits.sdc"):
        calls = vendor_calls(folder, name)
        if ports["clock"]:
            assert ["get_ports", ports["clock"]] in calls
            (clock,) = [call for call in calls if call[0] == "create_clock"]
            assert clock[clock.index("-period") + 1] == str(report["clock_ns"])
        else:
            (delay,) = [call for call in calls if call[0] == "set_max_delay"]
            assert float(delay[-1]) == pytest.approx(report["latency_ns"], abs=0.01)
