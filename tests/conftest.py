"""What every test may ask for: the trained networks, the command line, a cache of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

import hgq2rtl
from hgq2rtl.ir import parse, verify
from hgq2rtl.passes import run_passes
from hgq2rtl.report import make_report
from hgq2rtl.rtl import emit
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import target_for

ROOT = Path(__file__).resolve().parents[1]
SHARED_MODELS = ROOT.parent / "shared" / "models"

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-replay",
        action="store_true",
        help="write the RTLIL hashes of this build to tests/journeys/replay.json",
    )


@pytest.fixture(scope="session")
def digits() -> Path:
    """The trained network of this repository."""
    return ROOT / "examples" / "digits.keras"


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Networks that other people trained; they are not part of the repository."""
    if not SHARED_MODELS.is_dir():
        pytest.skip(f"the trained models of {SHARED_MODELS} are not there")
    return SHARED_MODELS


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Verilator's library is built once a session, and the user's cache stays alone."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("HGQ2RTL_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def hgq2rtl_command(cache) -> Command:
    """Runs ``hgq2rtl ARGUMENTS`` as a user does; gives the finished process."""
    program = Path(sysconfig.get_path("scripts"), "hgq2rtl")

    def run(*arguments: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


TINY = """
port input "x" (2) = 0:s8e-3:RND:WRAP:1.0 1:u4e0:TRN:SAT:1.0
port output "y" (2) = 0:s6e-2:EXACT:EXACT:1.0 1:u4e0:EXACT:EXACT:1.0
layer "inputs" InputLayer
layer "sum" QDense
layer "outputs" Output
%0 = input field=0 : s8e-3 @0[0]
%1 = input field=1 : u4e0 @0[1]
%2 = add %0, %1 shift=3 : s9e-3 @1[0]
%3 = quantize %2 shift=1 rounding=RND overflow=SAT k=1 bits=5 : s6e-2 @1[0]
output %3 field=0 @2[0]
output %1 field=1 @2[1]
"""


@pytest.fixture(scope="session")
def tiny() -> hgq2rtl.Design:
    """Two inputs, their sum rounded and saturated, and the second handed on; in two stages."""
    lowered = verify(parse(TINY))
    program = run_passes(lowered)
    timing = schedule(program, target_for(), ScheduleWish(stages=2))
    rtl = emit(timing, "tiny")
    report = make_report(timing, rtl, target_for(), {}, {"source": "tiny"}, {}, ())
    return hgq2rtl.Design(program, timing, rtl, report, lowered)


@pytest.fixture
def relu(tmp_path: Path) -> Path:
    """A model of one ReLU over two numbers, which nothing quantizes."""
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 2]}},
        {"class_name": "ReLU", "config": {"name": "cut"}},
    ]
    for layer in layers:
        layer |= {"module": "keras.layers", "registered_name": None}
        layer |= {"name": layer["config"]["name"], "inbound_nodes": []}
    layers[1]["inbound_nodes"] = [{"args": [tensor], "kwargs": {}}]
    config = {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "registered_name": "Functional",
        "config": {
            "name": "relu",
            "layers": layers,
            "input_layers": ["x", 0, 0],
            "output_layers": ["cut", 0, 0],
        },
    }
    path = tmp_path / "relu.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", _empty_hdf5())
    return path


def _empty_hdf5() -> bytes:
    buffer = io.BytesIO()
    h5py.File(buffer, "w").close()
    return buffer.getvalue()
