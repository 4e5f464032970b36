"""Where windows stand: against counting, and against what padding words promise."""

from hypothesis import given
from hypothesis.strategies import integers, sampled_from

from hgq2rtl.frontends.windows import Window, same, transposed, valid

SMALL = integers(1, 9)


def taps(window, extent):
    """The places that each position looks at, by trying all positions."""
    found = []
    for start in range(-window.before, window.padded(extent) - window.before, window.stride):
        places = [start + tap * window.dilation for tap in range(window.size)]
        if places[-1] < window.padded(extent) - window.before:
            found.append(places)
    return found


@given(extent=SMALL, size=SMALL, stride=SMALL, dilation=SMALL)
def test_valid_windows_stay_inside(extent, size, stride, dilation):
    window = valid(size, stride, dilation)
    seen = taps(window, extent)
    assert max(window.positions(extent), 0) == len(seen)
    assert all(0 <= place < extent for places in seen for place in places)


@given(extent=SMALL, size=SMALL, stride=SMALL, dilation=SMALL)
def test_same_windows_give_an_output_for_each_stride(extent, size, stride, dilation):
    """Catches padding on the wrong side, or where none is needed."""
    window = same(extent, size, stride, dilation)
    assert window.positions(extent) == len(taps(window, extent)) == -(-extent // stride)
    assert window.after - window.before in (0, 1)
    if window.before:
        assert taps(window, extent)[-1][-1] == extent + window.after - 1


@given(extent=SMALL, size=SMALL, stride=SMALL)
def test_a_same_window_sees_some_element(extent, size, stride):
    """Poolings rely on it: no window lies in the padding alone."""
    window = same(extent, size, stride)
    assert all(any(0 <= place < extent for place in places) for places in taps(window, extent))


@given(
    extent=SMALL, size=SMALL, stride=SMALL, dilation=SMALL, padding=sampled_from(["valid", "same"])
)
def test_a_transposed_window_loses_no_output(extent, size, stride, dilation, padding):
    """Its output sizes are those that Keras documents."""
    window = transposed(size, stride, dilation, padding, None)
    wanted = (extent - 1) * stride + max(window.reach, stride)
    assert window.positions(extent) == (extent * stride if padding == "same" else wanted)


@given(extent=SMALL, size=SMALL, stride=integers(2, 9), extra=integers(0, 8))
def test_output_padding_adds_places_behind(extent, size, stride, extra):
    extra %= stride
    window = transposed(size, stride, 1, "valid", extra)
    assert window.positions(extent) == (extent - 1) * stride + size + extra
    assert window.before == size - 1
    window = transposed(size, stride, 1, "same", extra)
    assert window.positions(extent) == (extent - 1) * stride + size % 2 + extra


def test_a_window_by_hand():
    window = Window(size=3, stride=2, dilation=2, before=1, after=2)
    assert (window.reach, window.padded(6), window.positions(6)) == (5, 9, 3)
    assert taps(window, 6) == [[-1, 1, 3], [1, 3, 5], [3, 5, 7]]
    assert same(5, 2).positions(5) == 5 and same(5, 2) == Window(2, after=1)
    assert Window(3).positions(2) == 0
