"""Arrays of integer mantissas to and from the bus words that a bench drives and reads.

A port's mantissas are an array (samples, fields), one column per element of
ports.json in its order: int64, or Python ints where a field holds more. Its
words are a uint32 array (samples, words): bit ``b`` of the bus is bit ``b % 32``
of word ``b // 32``, and bits above the port's width are 0.

A vector file is the words of all ports side by side, sample by sample,
little-endian.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hgq2rtl.sim.ports import WORD_BITS, Port

BLOCK_SAMPLES = 2048
"""Samples transposed at a time, so that a block of columns stays in the cache."""

LOW_WORD = np.uint64(0xFFFF_FFFF)


class _Pieces:
    """The fields of a port, cut into pieces of at most 32 bits, in bus order.

    Piece ``p`` is bits ``[32 * digit, 32 * digit + width)`` of field ``field[p]``
    and lies at bit ``shift`` of word ``word[p]``, reaching into the next word.
    """

    def __init__(self, port: Port) -> None:
        rows = sorted(
            (e.offset + bit, field, bit // WORD_BITS, min(WORD_BITS, e.width - bit))
            for field, e in enumerate(port.elements)
            for bit in range(0, e.width, WORD_BITS)
        )
        start, self.field, digit, width = (
            np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)
        )
        self.word = start // WORD_BITS
        self.shift = (start % WORD_BITS).astype(np.uint64)[:, None]
        self.digit = digit
        self.mask = ((1 << width) - 1).astype(np.uint64)[:, None]
        # Pieces lie in bus order: each word's pieces are a run, and so is a digit's selection.
        self.run_words, self.run_starts = np.unique(self.word, return_index=True)
        self.field_digits = {
            int(d): (np.flatnonzero(digit == d), self.field[digit == d]) for d in np.unique(digit)
        }


def pack(port: Port, mantissas: np.ndarray) -> np.ndarray:
    """Mantissas (samples, fields) as bus words, uint32 (samples, port.words).

    Raises
    ------
    ValueError
        If the array has another shape, or a mantissa does not fit into its field.
    """
    mantissas = np.asarray(mantissas)
    _check_mantissas(port, mantissas)
    samples = len(mantissas)
    words = np.zeros((samples, port.words), np.uint32)
    if samples == 0 or not any(e.width for e in port.elements):
        return words
    if mantissas.dtype == np.uint64 and int(mantissas.max()) >= 2**63:
        mantissas = mantissas.astype(object)
    pieces = _Pieces(port)
    for start in range(0, samples, BLOCK_SAMPLES):
        columns = np.ascontiguousarray(mantissas[start : start + BLOCK_SAMPLES].T)
        shifted = _digits(columns, pieces) << pieces.shift
        block = np.zeros((port.words + 1, columns.shape[1]), np.uint64)
        block[pieces.run_words] = np.bitwise_or.reduceat(shifted & LOW_WORD, pieces.run_starts)
        shifted >>= np.uint64(WORD_BITS)
        block[pieces.run_words + 1] |= np.bitwise_or.reduceat(shifted, pieces.run_starts)
        words[start : start + BLOCK_SAMPLES] = block[:-1].T
    return words


def unpack(port: Port, words: np.ndarray) -> np.ndarray:
    """Bus words (samples, port.words) as mantissas (samples, fields), the inverse of `pack`."""
    check_words(port, words)
    samples, fields = len(words), len(port.elements)
    is_big = any(not -(2**63) <= e.lo <= e.hi < 2**63 for e in port.elements)
    mantissas = np.zeros((samples, fields), object if is_big else np.int64)
    if samples == 0 or not any(e.width for e in port.elements):
        return mantissas
    pieces = _Pieces(port)
    width = np.array([e.width for e in port.elements])
    is_signed = np.array([e.is_signed for e in port.elements])
    for start in range(0, samples, BLOCK_SAMPLES):
        block = np.zeros((port.words + 1, min(BLOCK_SAMPLES, samples - start)), np.uint64)
        block[:-1] = words[start : start + BLOCK_SAMPLES].T
        two_words = block[pieces.word] | block[pieces.word + 1] << np.uint64(WORD_BITS)
        digits = (two_words >> pieces.shift) & pieces.mask
        columns = _join(digits, pieces, (fields, block.shape[1]), is_big)
        _extend_sign(columns, width, is_signed)
        mantissas[start : start + BLOCK_SAMPLES] = columns.T
    return mantissas


def pack_ports(
    ports: Sequence[Port], mantissas: Mapping[str, np.ndarray] | Sequence[np.ndarray]
) -> list[np.ndarray]:
    """`pack` for several ports; their arrays in order, or by the port's name in the model."""
    if isinstance(mantissas, Mapping):
        mantissas = [mantissas[port.name] for port in ports]
    return [pack(port, m) for port, m in zip(ports, mantissas, strict=True)]


def unpack_ports(ports: Sequence[Port], words: Sequence[np.ndarray]) -> list[np.ndarray]:
    """`unpack` for several ports."""
    return [unpack(port, w) for port, w in zip(ports, words, strict=True)]


def write_vectors(path: Path, ports: Sequence[Port], words: Sequence[np.ndarray]) -> int:
    """Write a vector file; gives the number of samples."""
    for port, w in zip(ports, words, strict=True):
        check_words(port, w)
    samples = {len(w) for w in words}
    if len(samples) != 1:
        raise ValueError(f"every port needs as many samples, here are {sorted(samples)}")
    np.concatenate(words, axis=1).astype("<u4", copy=False).tofile(path)
    return samples.pop()


def read_vectors(path: Path, words_per_port: Sequence[int]) -> list[np.ndarray]:
    """Read a vector file back, one uint32 array (samples, words) per port."""
    rows = np.fromfile(path, "<u4").reshape(-1, sum(words_per_port)).astype(np.uint32, copy=False)
    return np.split(rows, np.cumsum(words_per_port)[:-1], axis=1)


def check_words(port: Port, words: np.ndarray) -> None:
    """Refuse an array that is no uint32 (samples, port.words) with clean upper bits."""
    if words.dtype != np.uint32 or words.ndim != 2 or words.shape[1] != port.words:
        raise ValueError(
            f"port {port.port} ({port.width} bits) takes a uint32 array (samples, {port.words}), "
            f"not {words.dtype} {words.shape}"
        )
    spare = port.words * WORD_BITS - port.width
    if spare and len(words) and int(words[:, -1].max()) >> (WORD_BITS - spare):
        raise ValueError(f"port {port.port} has {port.width} bits, and bits above them are set")


def bus_value(words: np.ndarray) -> int:
    """One sample's words as the integer on the bus."""
    return int.from_bytes(np.asarray(words, "<u4").tobytes(), "little")


def _check_mantissas(port: Port, mantissas: np.ndarray) -> None:
    if mantissas.ndim != 2 or mantissas.shape[1] != len(port.elements):
        raise ValueError(
            f"port {port.port} takes mantissas (samples, {len(port.elements)}), "
            f"not {mantissas.shape}"
        )
    if mantissas.dtype != object and mantissas.dtype.kind not in "iub":
        raise ValueError(f"port {port.port} takes integer mantissas, not {mantissas.dtype}")
    if mantissas.size == 0:
        return
    for e, least, greatest in zip(
        port.elements, mantissas.min(axis=0), mantissas.max(axis=0), strict=True
    ):
        if least < e.lo or greatest > e.hi:
            outside = int(least if least < e.lo else greatest)
            raise ValueError(
                f"port {port.port}, element {list(e.index)}: "
                f"{outside} does not fit into [{e.lo}, {e.hi}]"
            )


def _digits(columns: np.ndarray, pieces: _Pieces) -> np.ndarray:
    """Base-2**32 digits of (fields, samples), two's complement, one row per piece."""
    digits = np.empty((len(pieces.field), columns.shape[1]), np.uint64)
    for digit, (rows, fields) in pieces.field_digits.items():
        if columns.dtype == object:
            digits[rows] = (columns[fields] >> WORD_BITS * digit) & int(LOW_WORD)
        else:
            # An int64 has two digits; above them its sign goes on.
            signed = columns[fields].astype(np.int64, copy=False)
            digits[rows] = (signed >> min(WORD_BITS * digit, 63)).view(np.uint64)
    digits &= pieces.mask
    return digits


def _join(digits: np.ndarray, pieces: _Pieces, shape: tuple[int, int], is_big: bool) -> np.ndarray:
    """Unsigned fields (fields, samples) from their digits."""
    columns = np.zeros(shape, object if is_big else np.int64)
    for digit, (rows, fields) in pieces.field_digits.items():
        if is_big:
            columns[fields] += digits[rows].astype(object) << WORD_BITS * digit
        else:
            columns[fields] |= (digits[rows] << np.uint64(WORD_BITS * digit)).view(np.int64)
    return columns


def _extend_sign(columns: np.ndarray, width: np.ndarray, is_signed: np.ndarray) -> None:
    rows = np.flatnonzero(is_signed)
    if columns.dtype == object:
        for row in rows:
            size = 1 << int(width[row])
            columns[row] -= size * (columns[row] >= size // 2).astype(object)
    else:
        spare = (64 - width[rows])[:, None]
        columns[rows] = (columns[rows] << spare) >> spare
