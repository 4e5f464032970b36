"""The output folder comes whole or not at all, and reads back as it was."""

import json

import numpy as np
import pytest

import hgq2rtl
from hgq2rtl.bundle import Bundle, folder, read_bundle, write_bundle
from hgq2rtl.errors import BadInput, BadProgram, OutputExists
from hgq2rtl.ir import to_text


@pytest.fixture
def bundle(tiny):
    return Bundle(tiny.program, tiny.schedule, tiny.rtl, tiny.report, tiny.lowered)


def content(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_what_was_written_reads_back(bundle, tmp_path):
    write_bundle(bundle, tmp_path / "out")
    again = read_bundle(tmp_path / "out")
    assert to_text(again.program) == to_text(bundle.program)
    assert to_text(again.lowered) == to_text(bundle.lowered)
    assert again.rtl.files == bundle.rtl.files
    assert (again.rtl.top, again.rtl.ports) == (bundle.rtl.top, bundle.rtl.ports)
    assert again.rtl.instances == bundle.rtl.instances
    assert again.rtl.signals == bundle.rtl.signals
    assert np.array_equal(again.schedule.stage, bundle.schedule.stage)
    assert again.schedule.latency_cycles == bundle.schedule.latency_cycles
    assert again.report == bundle.report


def test_the_same_bundle_gives_the_same_bytes(bundle, tmp_path):
    write_bundle(bundle, tmp_path / "a")
    write_bundle(bundle, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_parents_are_made_and_an_empty_folder_serves(bundle, tmp_path):
    (tmp_path / "empty").mkdir()
    write_bundle(bundle, tmp_path / "empty")
    write_bundle(bundle, tmp_path / "a" / "b" / "c")
    assert (tmp_path / "empty" / "report.json").exists()
    assert (tmp_path / "a" / "b" / "c" / "report.json").exists()


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), RuntimeError("bug")])
@pytest.mark.parametrize("is_there", [False, True], ids=["new", "replaced"])
def test_a_write_that_fails_leaves_everything_as_it_was(
    bundle, tmp_path, monkeypatch, problem, is_there
):
    if is_there:
        write_bundle(bundle, tmp_path / "out")
    before = content(tmp_path)

    def fail(*_):
        raise problem

    monkeypatch.setattr(folder, "render_documents", fail)
    with pytest.raises((BadInput, RuntimeError)) as caught:
        write_bundle(bundle, tmp_path / "out", is_forced=True)
    if isinstance(problem, OSError):
        assert str(caught.value) == (
            f"{tmp_path / 'out'} cannot be written: No space left on device"
        )
    assert content(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == is_there


def test_a_link_is_not_followed(bundle, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "home", target_is_directory=True)
    with pytest.raises(OutputExists, match="is no folder"):
        write_bundle(bundle, tmp_path / "out", is_forced=True)
    assert not list((tmp_path / "home").iterdir())


def test_a_file_where_a_parent_should_be(bundle, tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(BadInput, match="cannot be written"):
        write_bundle(bundle, tmp_path / "notes" / "out")
    assert (tmp_path / "notes").read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda out: (out / "report.json").unlink(), BadInput),
        (lambda out: (out / "report.json").write_text("[]"), BadInput),
        (lambda out: (out / "ports.json").unlink(), BadProgram),
        (lambda out: (out / "ports.json").write_text("{}"), BadProgram),
        (lambda out: (out / "ports.json").write_text("[1, 2"), BadProgram),
        (lambda out: (out / "program.json.gz").unlink(), BadInput),
        (lambda out: (out / "schedule.json.gz").unlink(), BadProgram),
        (lambda out: (out / "schedule.json.gz").write_bytes(b"not gzip"), BadProgram),
        (lambda out: (out / "rtl" / "tiny.v").write_bytes(b"\xff\xfe"), BadProgram),
    ],
)
def test_a_damaged_folder_is_one_clear_error(bundle, tmp_path, change, error):
    write_bundle(bundle, tmp_path / "out")
    change(tmp_path / "out")
    with pytest.raises(error) as caught:
        read_bundle(tmp_path / "out")
    assert str(tmp_path / "out") in str(caught.value)


def test_ports_and_program_of_different_designs(bundle, tmp_path):
    write_bundle(bundle, tmp_path / "out")
    ports = json.loads((tmp_path / "out" / "ports.json").read_text())
    ports["inputs"][0]["elements"][0]["f"] += 1
    (tmp_path / "out" / "ports.json").write_text(json.dumps(ports))
    with pytest.raises(BadProgram) as caught:
        hgq2rtl.load(tmp_path / "out")
    assert str(caught.value) == (
        f"{tmp_path / 'out'}: ports.json and program.json.gz do not belong together."
    )
