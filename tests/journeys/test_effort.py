"""How long sums are searched for: the same numbers, and no more LUTs for more effort."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl.errors import BadOption

DIGITS = Path(__file__).parents[2] / "examples" / "digits.keras"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HGQ2RTL_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def fast():
    return hgq2rtl.compile(DIGITS, effort="fast", cache=False)


def numbers(design):
    (port,) = design.program.inputs
    x = np.random.default_rng(5).uniform(0, 16, (500, *port.shape))
    return design.predict(x)


def price(design):
    report = design.report
    return report["luts"] + 0.25 * (report["carry_positions"] - report["luts"])


def test_more_effort_gives_the_same_numbers_for_no_higher_price(fast):
    """Catches a search that loses the solution it began with, or a bit."""
    searched = hgq2rtl.compile(DIGITS, effort="default", cache=False)
    assert np.array_equal(numbers(searched), numbers(fast))
    # Inverters and constants are chosen after the search, which does not see them.
    assert price(searched) <= 1.02 * price(fast)
    assert searched.report["options"]["effort"] == "default"


def test_equal_compiles_give_equal_verilog():
    """Catches a search that counts seconds, or threads that decide."""
    first, again = (hgq2rtl.compile(DIGITS, cache=False) for _ in range(2))
    assert first.rtl.files == again.rtl.files


def test_a_stopped_search_gives_the_best_so_far(fast, tmp_path):
    stopped = hgq2rtl.compile(DIGITS, effort="best", should_stop=lambda: True)
    assert np.array_equal(numbers(stopped), numbers(fast))
    assert not list((tmp_path / "cache").rglob("*.json*")), "a stopped search was kept"


def test_solved_sums_are_kept_unless_they_shall_not(tmp_path):
    hgq2rtl.compile(DIGITS, effort="fast", cache=False)
    assert not (tmp_path / "cache").exists()
    first = hgq2rtl.compile(DIGITS, effort="fast")
    assert any(path.is_file() for path in (tmp_path / "cache").rglob("*"))
    assert hgq2rtl.compile(DIGITS, effort="fast").rtl.files == first.rtl.files


def test_an_unknown_effort_is_refused():
    with pytest.raises(BadOption) as error:
        hgq2rtl.compile(DIGITS, effort="more")
    assert str(error.value) == "effort 'more': choose from fast, default, best"


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal of POSIX here")
def test_ctrl_c_during_the_search_takes_the_best_so_far(tmp_path):
    """Catches a search that throws minutes away, or one that Ctrl-C does not reach."""
    command = [sysconfig.get_path("scripts") + "/hgq2rtl", "compile", str(DIGITS), "-o", "out"]
    with subprocess.Popen(
        [*command, "--effort", "best", "--no-cache"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stderr:
            if line == "solving sums\n":
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert (tmp_path / "out" / "report.json").is_file()
