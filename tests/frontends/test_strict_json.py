"""Strict JSON: what Python's reader lets through and a model file must not hold."""

import pytest

from hgq2rtl.errors import BadModelFile
from hgq2rtl.frontends import limits
from hgq2rtl.frontends.strict_json import parse


def test_plain_json_is_read_as_python_reads_it():
    assert parse(b'{"a": [1, 2.5, null, true, "x"]}', "f") == {"a": [1, 2.5, None, True, "x"]}


def test_infinity_and_a_byte_order_mark_occur_in_real_files():
    assert parse(b"\xef\xbb\xbf[Infinity]", "f") == [float("inf")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"units": 3, "b": 1, "units": 99}', "the key 'units' is given twice, so its value is"),
        (b"[1" + b"0" * 100_000 + b"]", "an integer of 100001 digits is no size of a model"),
        (b"[" * 100_000 + b"]" * 100_000, "lists and objects nest deeper than in any model"),
        (b"[" * (limits.JSON_DEPTH + 1) + b"]" * (limits.JSON_DEPTH + 1), "nest deeper"),
        (b'{"a": ' * 300 + b"1" + b"}" * 300, "nest deeper"),
        (b'{"name": "\xff\xfe"}', "the text is not UTF-8 at byte 10"),
        (b'{"a": 1', "Expecting ',' delimiter"),
        (b"", "Expecting value"),
    ],
)
def test_what_is_refused(text, told):
    with pytest.raises(BadModelFile) as caught:
        parse(text, "net.keras: config.json")
    assert str(caught.value).startswith("net.keras: config.json: ")
    assert told in str(caught.value)


def test_the_deepest_allowed_nesting_is_read():
    depth = limits.JSON_DEPTH
    assert parse(b"[" * depth + b"]" * depth, "f")


def test_many_keys_with_one_twice_are_found_quickly():
    text = b"{" + b",".join(b'"%d": 0' % n for n in range(100_000)) + b', "99999": 1}'
    with pytest.raises(BadModelFile, match="'99999' is given twice"):
        parse(text, "f")
