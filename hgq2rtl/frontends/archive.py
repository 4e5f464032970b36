"""A ``.keras`` archive: a zip with ``config.json`` and ``model.weights.h5``.

The file is untrusted. Only members with these names are looked at, in memory:
nothing is extracted, no path of the archive is ever opened. Sizes are checked
before a byte is inflated, and again while inflating, since a declared size may
lie.
"""

from __future__ import annotations

import stat
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import BadModelFile, Hgq2rtlError, TooLarge
from . import limits
from .untrusted import shown

CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
METADATA = "metadata.json"

_END_RECORD = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_LARGEST_DIRECTORY = limits.MIB
_IS_ENCRYPTED = 0x1
_CHUNK = limits.MIB


@dataclass(frozen=True)
class Archive:
    """What lies in a ``.keras`` file, inflated and checked."""

    config: bytes
    weights: bytes
    metadata: bytes
    """Empty if the archive has none."""


def read_archive(path: Path, source: str) -> Archive:
    """Read the members of a ``.keras`` archive.

    Raises
    ------
    BadModelFile
        If the file is no zip, is damaged, lacks a member, or holds one twice, encrypted,
        as a link or in an unusual compression.
    TooLarge
        If the file or a member is larger than ``limits`` allow.
    """
    if path.stat().st_size > limits.ARCHIVE_BYTES:
        raise TooLarge(_too_large(source, "the archive", limits.ARCHIVE_BYTES))
    try:
        with path.open("rb") as file:
            _check_directory_size(file, source)
            with zipfile.ZipFile(file) as archive:
                return Archive(
                    config=_member(archive, CONFIG, limits.CONFIG_BYTES, source),
                    weights=_member(archive, WEIGHTS, limits.WEIGHTS_BYTES, source),
                    metadata=_metadata(archive, source),
                )
    except Hgq2rtlError:
        raise
    except Exception as error:  # a damaged file makes zipfile raise nearly anything
        reason = shown(str(error), 100)
        raise BadModelFile(
            f"{source}: the archive is damaged ({reason}). Copy it again or save the model again."
        ) from error


def _check_directory_size(file: BinaryIO, source: str) -> None:
    """zipfile builds an object for each entry, so the directory must be small."""
    end = file.seek(0, 2)
    file.seek(max(0, end - 22 - 0xFFFF))
    tail = file.read()
    at = tail.rfind(_END_RECORD)
    if at < 0 or len(tail) < at + 22:
        raise BadModelFile(
            f"{source}: this is no zip archive, or its end is missing. A .keras file is a zip "
            f"written by model.save; copy it again or save the model again."
        )
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    has_zip64 = tail[max(0, at - 20) : at].startswith(_ZIP64_LOCATOR)
    if size > _LARGEST_DIRECTORY or has_zip64:
        raise TooLarge(
            f"{source}: the archive lists far more members than the three of a model. "
            f"Save the model again."
        )


def _member(archive: zipfile.ZipFile, name: str, limit: int, source: str) -> bytes:
    """The bytes of a member that must be there, once."""
    count = Counter(archive.namelist())[name]
    if count == 0:
        raise BadModelFile(
            f"{source}: the archive holds no {name}, so it is no Keras 3 model. "
            f"Write it with model.save('name.keras')."
        )
    if count > 1:
        raise BadModelFile(
            f"{source}: the archive holds {name} {count} times; readers would differ on which one "
            f"counts. Save the model again."
        )
    info = archive.getinfo(name)
    _check_member(info, limit, source)
    return _inflate(archive, info, limit, source)


def _metadata(archive: zipfile.ZipFile, source: str) -> bytes:
    """The metadata say who wrote the file; a model is readable without them."""
    if METADATA not in archive.namelist():
        return b""
    return _member(archive, METADATA, limits.METADATA_BYTES, source)


def _check_member(info: zipfile.ZipInfo, limit: int, source: str) -> None:
    if info.file_size > limit:
        raise TooLarge(_too_large(source, info.filename, limit))
    problem = None
    if stat.S_ISLNK(info.external_attr >> 16):
        problem = "is a symbolic link"
    elif info.flag_bits & _IS_ENCRYPTED:
        problem = "is encrypted"
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        problem = f"is compressed by method {info.compress_type}, which Keras does not use"
    if problem:
        raise BadModelFile(f"{source}: {info.filename} {problem}. Save the model again from Keras.")


def _inflate(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int, source: str) -> bytes:
    """Read a member in pieces; its checksum is compared at the end."""
    pieces = []
    size = 0
    with archive.open(info) as member:
        while piece := member.read(_CHUNK):
            size += len(piece)
            if size > limit:
                raise TooLarge(_too_large(source, info.filename, limit))
            pieces.append(piece)
    if size != info.file_size:
        raise BadModelFile(
            f"{source}: {info.filename} holds {size} bytes where {info.file_size} are declared. "
            f"Copy the file again or save the model again."
        )
    return b"".join(pieces)


def _too_large(source: str, what: str, limit: int) -> str:
    return (
        f"{source}: {what} is larger than {limit // limits.MIB} MiB, more than a network for one "
        f"circuit needs. Save a smaller model, without its optimizer's state."
    )
