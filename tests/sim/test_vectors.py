"""Bus words hold exactly the bits that ports.json says, for any field."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgq2rtl.sim import Element, Port, load_ports, pack, pack_ports, unpack, unpack_ports
from hgq2rtl.sim.vectors import BLOCK_SAMPLES, bus_value, check_words, read_vectors, write_vectors


def port_of(fields):
    """A port of (gap below, bits, k) fields, in shuffled element order where asked."""
    offset, elements = 0, []
    for n, (gap, bits, k) in enumerate(fields):
        offset += gap
        elements.append(Element((n,), offset, bits, k, bits - k, 0))
        offset += bits
    return Port("x", "x", max(1, offset), (len(fields),), "C", tuple(elements))


@st.composite
def ports_and_mantissas(draw, widest):
    fields = st.tuples(st.integers(0, 40), st.integers(0, widest), st.integers(0, 1))
    port = port_of(draw(st.lists(fields, min_size=1, max_size=8)))
    order = draw(st.permutations(range(len(port.elements))))
    port = Port(
        *(port.name, port.port, port.width, port.shape, port.order),
        tuple(port.elements[n] for n in order),
    )
    row = st.tuples(*(st.integers(e.lo, e.hi) for e in port.elements))
    return port, draw(st.lists(row, min_size=1, max_size=5))


def twin_bus(port, mantissas):
    """Field by field, on an integer without limit."""
    bus = 0
    for e, m in zip(port.elements, mantissas, strict=True):
        bus |= (m % 2**e.width) << e.offset
    return bus


@given(ports_and_mantissas(widest=150))
def test_words_hold_each_field_at_its_bits(case):
    port, rows = case
    words = pack(port, np.array(rows, object))
    assert words.dtype == np.uint32 and words.shape == (len(rows), port.words)
    assert [bus_value(row) for row in words] == [twin_bus(port, row) for row in rows]
    assert unpack(port, words).tolist() == [list(row) for row in rows]


@given(ports_and_mantissas(widest=63), st.sampled_from([np.int64, object]))
def test_int64_and_python_ints_give_the_same_words(case, dtype):
    port, rows = case
    words = pack(port, np.array(rows, dtype))
    assert (words == pack(port, np.array(rows, object))).all()
    back = unpack(port, words)
    assert back.dtype == np.int64
    assert back.tolist() == [list(row) for row in rows]


@given(st.integers(0, 2**64 - 1), st.integers(0, 40), st.integers(64, 70))
def test_uint64_has_no_sign(value, gap, bits):
    port = port_of([(gap, bits, 0)])
    assert unpack(port, pack(port, np.array([[value]], np.uint64))).tolist() == [[value]]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, bool])
def test_every_integer_type_is_taken(dtype):
    port = port_of([(0, 1, 0), (3, 2, 1)])
    words = pack(port, np.array([[1, 0], [0, 1]], dtype))
    assert words.tolist() == [[1], [16]]


def test_many_samples_are_cut_into_blocks():
    port = port_of([(0, 17, 1), (0, 23, 0), (5, 0, 0), (0, 31, 1)])
    generator = np.random.default_rng(0)
    samples = 2 * BLOCK_SAMPLES + 7
    mantissas = np.stack([generator.integers(e.lo, e.hi + 1, samples) for e in port.elements], 1)
    words = pack(port, mantissas)
    assert (unpack(port, words) == mantissas).all()
    for n in (0, BLOCK_SAMPLES - 1, BLOCK_SAMPLES, samples - 1):
        assert bus_value(words[n]) == twin_bus(port, mantissas[n].tolist())


def test_a_port_without_bits_is_one_zero_word():
    port = port_of([(0, 0, 0), (0, 0, 1)])
    assert pack(port, np.zeros((2, 2), int)).tolist() == [[0], [0]]
    assert unpack(port, np.zeros((2, 1), np.uint32)).tolist() == [[0, 0], [0, 0]]


def test_no_samples_are_no_words():
    port = port_of([(0, 40, 1)])
    assert pack(port, np.zeros((0, 1), int)).shape == (0, 2)
    assert unpack(port, np.zeros((0, 2), np.uint32)).shape == (0, 1)


@pytest.mark.parametrize(
    "mantissas, message",
    [
        (np.zeros((2, 3), int), "port x takes mantissas (samples, 2), not (2, 3)"),
        (np.zeros((2, 2)), "port x takes integer mantissas, not float64"),
        (np.array([[0, 0], [4, 0]]), "port x, element [0]: 4 does not fit into [-4, 3]"),
        (np.array([[0, -1]]), "port x, element [1]: -1 does not fit into [0, 7]"),
    ],
)
def test_what_cannot_be_packed_is_refused(mantissas, message):
    with pytest.raises(ValueError) as caught:
        pack(port_of([(0, 3, 1), (0, 3, 0)]), mantissas)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "words, message",
    [
        (
            np.zeros((2, 1), np.uint32),
            "port x (33 bits) takes a uint32 array (samples, 2), not uint32 (2, 1)",
        ),
        (
            np.zeros((2, 2), np.int64),
            "port x (33 bits) takes a uint32 array (samples, 2), not int64 (2, 2)",
        ),
        (
            np.array([[0, 2]], np.uint32),
            "port x has 33 bits, and bits above them are set",
        ),
    ],
)
def test_words_that_are_none_are_refused(words, message):
    with pytest.raises(ValueError) as caught:
        check_words(port_of([(0, 33, 0)]), words)
    assert str(caught.value) == message


def test_ports_in_order_or_by_name_and_through_a_file(full, tmp_path):
    ports = load_ports(full.ports).inputs
    x = np.array([[2**69], [5]], object)
    z = np.array([[-16, 31], [15, -32]])
    words = pack_ports(ports, [x, z])
    by_name = pack_ports(ports, {"z": z, "x": x})
    assert all((a == b).all() for a, b in zip(words, by_name, strict=True))
    assert write_vectors(tmp_path / "v.bin", ports, words) == 2
    assert (tmp_path / "v.bin").stat().st_size == 2 * 4 * 4
    again = unpack_ports(ports, read_vectors(tmp_path / "v.bin", [3, 1]))
    assert again[0].tolist() == x.tolist() and again[1].tolist() == z.tolist()


def test_ports_with_unequal_numbers_of_samples_are_refused(full, tmp_path):
    ports = load_ports(full.ports).inputs
    words = [np.zeros((2, 3), np.uint32), np.zeros((1, 1), np.uint32)]
    with pytest.raises(ValueError, match="every port needs as many samples, here are"):
        write_vectors(tmp_path / "v.bin", ports, words)
