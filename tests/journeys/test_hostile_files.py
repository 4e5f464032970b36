"""Damaged, contradictory and malicious files: one clear message each, and nothing else happens.

What looks odd but is valid compiles, to the right numbers.
"""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl.errors import Hgq2rtlError, UnsupportedFormat

from .trained import BAD, as_list, index, needs_models

pytestmark = needs_models

LATER = ("qkeras", "qonnx")
"""Kinds whose frontends do not exist yet."""

ROWS = index(BAD)
READ = [row for row in ROWS if row["kind"] not in LATER]
NOT_READ = [row for row in ROWS if row["kind"] in LATER]
NAMES = [row for row in READ if row["kind"] == "name"]


def by_file(rows):
    return {"argvalues": rows, "ids": [row["file"] for row in rows]}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """A payload writes PWNED where it runs: that must be a place that we can watch."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    found = [*tmp_path.rglob("PWNED"), *Path("/tmp").glob("PWNED"), *BAD.glob("PWNED")]
    assert not found
    assert {path.name for path in folder.iterdir()} <= {"out"}


def test_the_set_is_there():
    assert len(READ) > 90 and len(NAMES) == 8 and {row["kind"] for row in NOT_READ} == set(LATER)


@pytest.mark.parametrize("row", **by_file(READ))
def test_a_file_is_refused_in_one_message_or_compiles_to_the_right_numbers(row):
    start = time.process_time()
    try:
        design = hgq2rtl.compile(BAD / row["file"])
    except Hgq2rtlError as error:
        assert type(error).__name__ in row["accept"], error
        message = str(error)
        assert row["file"] in message
        assert message.isprintable() and message == message.strip() and len(message) < 1000
        assert error.exit_code == 2
    else:
        assert "ok" in row["accept"]
        x = [np.array(each, np.float64) for each in row["reference"]["x"]]
        for mine, right in zip(as_list(design.predict(x)), row["reference"]["y"], strict=True):
            assert np.array_equal(mine, np.array(right))
    assert time.process_time() - start < row["time_s"]


@pytest.mark.parametrize("row", **by_file(NOT_READ))
def test_a_kind_that_is_not_read_yet(row):
    with pytest.raises(UnsupportedFormat) as caught:
        hgq2rtl.compile(BAD / row["file"])
    kind = {
        "qkeras": "QKeras models",
        "qonnx": "QONNX graphs",
    }[row["kind"]]
    assert str(caught.value) == (
        f"{row['file']}: {kind} are not read by this version. "
        "Give an HGQ2 model saved with model.save('name.keras')."
    )


# -- through the command line, a process of its own with limits ------------------------------

BY_COMMAND = [
    "zip_encrypted_flag.keras",
    "bomb_weights.keras",
    "bomb_hdf5_gzip.keras",
    "json_deep_lists.keras",
    "config_no_input_quantizer.keras",
    "code_lambda_marshal.keras",
    "code_regularizer_exec.keras",
    "qonnx_external_parent.onnx",
]


LAUNCHER = """
import json, os, resource, subprocess, sys

mebibytes, seconds, report = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def limit():
    resource.setrlimit(resource.RLIMIT_DATA, (4 * mebibytes << 20,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (10 * seconds,) * 2)


process = subprocess.Popen(sys.argv[4:], preexec_fn=limit)
_, status, used = os.wait4(process.pid, 0)
found = [os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
with open(report, "w") as file:
    json.dump(found, file)
"""
"""Runs a command from a small process: one that pytest itself started would be charged with
pytest's memory, which it shares until it begins."""


def run_measured(arguments, seconds, mebibytes, folder):
    """Exit code, both streams, and the process' seconds and peak memory.

    Four times the memory is a hard limit, so that a bomb ends here and not in the machine.
    """
    report = folder / "report.json"
    launcher = [sys.executable, "-c", LAUNCHER, str(mebibytes), str(seconds), str(report)]
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        subprocess.run([*launcher, *map(str, arguments)], stdout=out, stderr=err, check=True)
    code, used_seconds, used_mebibytes = json.loads(report.read_text())
    streams = (folder / "stdout").read_text(), (folder / "stderr").read_text()
    return code, *streams, used_seconds, used_mebibytes


@pytest.mark.parametrize("row", **by_file([row for row in ROWS if row["file"] in BY_COMMAND]))
def test_by_the_command_line_within_time_and_memory(row, empty_folder, tmp_path):
    program = Path(sysconfig.get_path("scripts"), "hgq2rtl")
    code, out, err, seconds, mebibytes = run_measured(
        [program, "compile", BAD / row["file"], "-o", "out"],
        row["time_s"],
        row["memory_mib"],
        tmp_path,
    )
    assert seconds < row["time_s"] and mebibytes < row["memory_mib"]
    families = ["UnsupportedFormat"] if row["kind"] in LATER else row["accept"]
    if code == 0:
        assert "ok" in families
        assert {path.name for path in empty_folder.iterdir()} == {"out"}
        return
    messages = [line for line in err.splitlines() if re.match("[A-Z][A-Za-z]+: ", line)]
    assert len(messages) == 1 and err.endswith(messages[0] + "\n")
    assert messages[0].partition(": ")[0] in families
    assert row["file"] in messages[0]
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert not list(empty_folder.iterdir())


# -- odd names -------------------------------------------------------------------------------


@pytest.mark.parametrize("row", **by_file(NAMES))
def test_odd_names_become_plain_ones(row, empty_folder):
    design = hgq2rtl.compile(BAD / row["file"])
    folder = design.write("out")
    for path in folder.rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9_.]+", path.name) and len(path.name) < 200
    odd = [call.layer.name for call in design.graph.calls]
    odd += [port.name for port in (*design.graph.inputs, *design.graph.outputs)]
    odd = [name for name in odd if not re.fullmatch("[A-Za-z0-9_]+", name)]
    verilog = [path.read_text() for path in (folder / "rtl").iterdir()]
    own = [text for text in verilog if "hgq2rtl_no_primitives" not in text.lower()]
    assert own and not any(set("\\`$") & set(_without_signed(text)) for text in own)
    for text in [*verilog, *(path.read_text() for path in (folder / "synth").iterdir())]:
        assert text.isascii() and not any(name in text for name in odd)
    assert not any(name in (folder / "README.md").read_text("utf-8") for name in odd)
    names = [bus.port for bus in (*design.rtl.ports.inputs, *design.rtl.ports.outputs)]
    names += [name.removesuffix(".v") for name in design.rtl.files]
    assert len({name.lower() for name in names}) == len(names)


def _without_signed(verilog):
    return verilog.replace("$signed(", "(").replace("$unsigned(", "(")


@pytest.mark.skipif(not shutil.which("iverilog"), reason="Icarus Verilog is not installed")
@pytest.mark.parametrize("row", **by_file(NAMES))
def test_icarus_reads_the_verilog_of_odd_names(row, tmp_path):
    design = hgq2rtl.compile(BAD / row["file"])
    files = []
    for name, text in design.rtl.files.items():
        files.append(tmp_path / name)
        files[-1].write_text(text)
    done = subprocess.run(
        ["iverilog", "-g2001", "-t", "null", "-s", design.rtl.top, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("row", **by_file(NAMES))
def test_verilator_agrees_on_odd_names(row):
    assert hgq2rtl.compile(BAD / row["file"]).check(samples=1000).mismatches == 0
