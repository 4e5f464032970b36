"""Windows that slide over an axis: where they stand, and how they reach over its ends.

Schemas take output sizes from here, the lowering index maps: both mean the same places.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """A window along one axis: a kernel's extent, or a pool's.

    It stands at ``positions(extent)`` places; tap ``t`` of position ``p`` looks at place
    ``p * stride + t * dilation - before`` of the axis, spread to one element in `spacing`.
    What lies between the elements, or beyond the ends, is padding.
    """

    size: int
    """Taps."""
    stride: int = 1
    dilation: int = 1
    before: int = 0
    """Padding in front of the first element."""
    after: int = 0
    spacing: int = 1
    """Above 1 in transposed convolutions, which slide over a spread input."""

    @property
    def reach(self) -> int:
        """Places from the first tap to the last, both included."""
        return (self.size - 1) * self.dilation + 1

    def padded(self, extent: int) -> int:
        """Places of an axis of `extent` elements, padding included."""
        return (extent - 1) * self.spacing + 1 + self.before + self.after

    def positions(self, extent: int) -> int:
        """How often the window fits; 0 or less where it is too large."""
        return (self.padded(extent) - self.reach) // self.stride + 1


def valid(size: int, stride: int = 1, dilation: int = 1) -> Window:
    """A window that stays inside."""
    return Window(size, stride, dilation)


def same(extent: int, size: int, stride: int = 1, dilation: int = 1) -> Window:
    """A window that stands at each `stride`-th element; the odd place of padding is behind."""
    reach = (size - 1) * dilation + 1
    padding = max((-(-extent // stride) - 1) * stride + reach - extent, 0)
    return Window(size, stride, dilation, padding // 2, padding - padding // 2)


def transposed(
    size: int, stride: int, dilation: int, padding: str, output_padding: int | None
) -> Window:
    """The window of a transposed convolution, as Keras defines it on JAX and TensorFlow.

    Parameters
    ----------
    padding : {'valid', 'same'}
    output_padding : int or None
        Places that are added behind; None asks for the least that loses no input, and with
        ``same`` for `stride` outputs an input.
    """
    reach = (size - 1) * dilation + 1
    if padding == "valid":
        extra = max(stride - reach, 0) if output_padding is None else output_padding
        before, after = reach - 1, reach - 1 + extra
    else:
        total = (
            stride - 2 + reach
            if output_padding is None
            else (reach + reach % 2 - 2 + output_padding)
        )
        before = min(-(-total // 2), reach - 1)
        after = total - before
    return Window(size, 1, dilation, before, after, spacing=stride)
