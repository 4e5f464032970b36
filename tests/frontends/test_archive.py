"""The zip around a model: damage, tricks and bombs are refused before they cost anything."""

import re
import stat
import tracemalloc
import zipfile

import pytest

from hgq2rtl.errors import BadModelFile, TooLarge
from hgq2rtl.frontends import limits, read
from hgq2rtl.frontends.archive import read_archive

from .archives import two_dense, write_zip


@pytest.fixture
def path(tmp_path):
    return two_dense().write(tmp_path / "net.keras")


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def refused(path, kind=BadModelFile):
    with pytest.raises(kind) as caught:
        read(path)
    return str(caught.value)


def test_deflated_and_stored_members_read_alike(path, tmp_path):
    with zipfile.ZipFile(tmp_path / "small.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members(path).items():
            archive.writestr(name, data)
    assert read_archive(tmp_path / "small.keras", "a") == read_archive(path, "b")


@pytest.mark.parametrize("missing", ["config.json", "model.weights.h5"])
def test_a_missing_member_is_named(path, missing):
    write_zip(path, {name: data for name, data in members(path).items() if name != missing})
    assert refused(path) == (
        f"net.keras: the archive holds no {missing}, so it is no Keras 3 model. "
        f"Write it with model.save('name.keras')."
    )


def test_metadata_may_be_missing(path):
    write_zip(path, {k: v for k, v in members(path).items() if k != "metadata.json"})
    assert read(path).origin == "HGQ2 archive"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_doubled_member_is_ambiguous(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", b"{}")
    assert refused(path) == (
        "net.keras: the archive holds config.json 2 times; readers would differ on which one "
        "counts. Save the model again."
    )


def with_info(path, **fields):
    """The archive with other header fields for its config."""
    found = members(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in found.items():
            info = zipfile.ZipInfo(name)
            if name == "config.json":
                for field, value in fields.items():
                    setattr(info, field, value)
            archive.writestr(info, data)
    return path


def test_a_symbolic_link_is_not_followed(path):
    with_info(path, external_attr=(stat.S_IFLNK | 0o777) << 16)
    assert refused(path) == (
        "net.keras: config.json is a symbolic link. Save the model again from Keras."
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(path, method):
    with_info(path, compress_type=method)
    assert "is compressed by method" in refused(path)


def patched(path, pattern, offset, value):
    """The archive with bytes changed at `offset` behind each match of `pattern`."""
    data = bytearray(path.read_bytes())
    for match in re.finditer(pattern, bytes(data)):
        data[match.start() + offset : match.start() + offset + len(value)] = value
    path.write_bytes(data)
    return path


def test_an_encrypted_member_is_refused(path):
    patched(path, rb"PK\x01\x02", 8, b"\x01")
    patched(path, rb"PK\x03\x04", 6, b"\x01")
    assert refused(path) == (
        "net.keras: config.json is encrypted. Save the model again from Keras."
    )


def test_a_wrong_checksum_is_damage(path):
    patched(path, rb'"units": 3', 9, b"9")
    assert refused(path) == (
        "net.keras: the archive is damaged (Bad CRC-32 for file 'config.json'). "
        "Copy it again or save the model again."
    )


def test_every_cut_is_damage(path):
    data = path.read_bytes()
    for end in [*range(0, len(data), 997), len(data) - 1]:
        path.write_bytes(data[:end])
        assert refused(path).startswith("net.keras: ")


def test_a_bomb_is_refused_before_it_is_inflated(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (limits.CONFIG_BYTES + 1))
        archive.writestr("model.weights.h5", b"")
    tracemalloc.start()
    try:
        assert refused(path, TooLarge) == (
            "net.keras: config.json is larger than 8 MiB, more than a network for one circuit "
            "needs. Save a smaller model, without its optimizer's state."
        )
        assert tracemalloc.get_traced_memory()[1] < limits.MIB
    finally:
        tracemalloc.stop()


def test_a_declared_size_that_lies_stops_the_inflation(path):
    """A directory that promises little does not let much through."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (limits.CONFIG_BYTES + 1))
        archive.writestr("model.weights.h5", b"")
    patched(path, rb"PK\x01\x02", 24, (100).to_bytes(4, "little"))
    tracemalloc.start()
    try:
        assert "damaged" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * limits.MIB
    finally:
        tracemalloc.stop()


def test_a_directory_of_many_members_is_not_listed(path):
    patched(path, rb"PK\x05\x06", 12, (2**31).to_bytes(4, "little"))
    assert refused(path, TooLarge).startswith("net.keras: the archive lists far more members")


def test_members_with_paths_are_never_written(path, tmp_path, monkeypatch):
    work = tmp_path / "a" / "b"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../PWNED", b"x")
    read(path)
    assert list(tmp_path.rglob("*PWNED*")) == []


def test_bytes_before_or_behind_the_archive_do_not_crash(path):
    data = path.read_bytes()
    for changed in (b"#!/bin/sh\n" + data, data + b"\0" * 500):
        path.write_bytes(changed)
        assert len(read(path).calls) == 2
