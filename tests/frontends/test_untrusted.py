"""What a hostile name may do to a message: nothing."""

from hypothesis import given
from hypothesis import strategies as st

from hgq2rtl.frontends.untrusted import place, shown, value_shown


@given(st.text(st.characters(), max_size=200))
def test_shown_is_one_short_printable_line(text):
    found = shown(text)
    assert found.isprintable()
    assert len(found) <= 60 * len("\\U0001f600")
    found.encode("utf-8")


@given(st.recursive(st.none() | st.text() | st.floats() | st.integers(), st.lists))
def test_values_are_shown_short(value):
    assert value_shown(value).isprintable()


def test_names_as_people_see_them():
    assert shown("dense_1") == "dense_1"
    assert shown("größe μ") == "größe μ"
    assert shown("a\tb\x1b[31m") == "a\\tb\\x1b[31m"
    assert shown("\u202egnp") == "\\u202egnp"
    assert shown("\ud800") == "\\ud800"
    assert shown("n" * 100) == "n" * 57 + "..."
    assert place("a\nb", "QDense", "f.keras") == "a\\nb (QDense) in f.keras"
