"""report.json: figures that add up, and plain data throughout."""

import json

import pytest

import hgq2rtl
from hgq2rtl.estimate import Counts
from hgq2rtl.report import make_report
from hgq2rtl.rtl import CoreOptions, from_files
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import target_for


def report(tiny, options=None, **wish):
    timing = schedule(tiny.program, target_for(), ScheduleWish(**wish))
    rtl = from_files(timing, "tiny", options or CoreOptions(), {})
    return make_report(timing, rtl, target_for(), {1: 12.3456}, {"source": "t"}, {"a": 1}, ["x"])


def test_it_is_plain_data(tiny):
    made = report(tiny)
    assert json.loads(json.dumps(made)) == made
    assert (made["top"], made["hgq2rtl"]) == ("tiny", hgq2rtl.__version__)
    assert (made["model"], made["options"], made["command"]) == ({"source": "t"}, {"a": 1}, ["x"])
    assert (made["part"], made["family"]) == ("xcvu13p-flga2577-2-e", "UltraScale+")


def test_layers_add_up(tiny):
    made = report(tiny, stages=3)
    for key in Counts().as_dict():
        assert made[key] == sum(layer[key] for layer in made["layers"])
    names = [layer["name"] for layer in made["layers"]]
    assert names == ["inputs", "sum", "outputs"]
    assert [layer["ebops"] for layer in made["layers"]] == [0.0, 12.346, 0.0]
    assert made["ebops"] == 12.346


def test_ports_and_timing(tiny):
    made = report(tiny, stages=2)
    assert (made["input_bits"], made["output_bits"]) == (12, 10)
    assert (made["stages"], made["latency_cycles"], made["initiation_interval"]) == (2, 3, 1)
    assert len(made["stage_ns"]) == 2
    assert made["latency_ns"] == pytest.approx(3 * made["clock_ns"], abs=1e-3)


def test_the_valid_pipeline_counts_as_registers(tiny):
    plain = report(tiny, stages=2)
    valid = report(tiny, CoreOptions(has_valid=True), stages=2)
    assert valid["register_bits"] - plain["register_bits"] == plain["latency_cycles"]


def test_a_combinational_core_has_no_register(tiny):
    made = report(tiny, is_combinational=True)
    assert (made["register_bits"], made["latency_cycles"], made["clock_ns"]) == (0, 0, None)
