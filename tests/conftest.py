"""What every test may ask for: the trained networks, the command line, a cache of its own."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

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
