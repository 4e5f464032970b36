"""HGQ2 quantizers: from options and stored variables to what inference does.

A quantizer's options say how it rounds, overflows and shares widths; its
widths are variables of the weight file. Which variables there are, and in
which order, depends on the options (trainables come first, and a WRAP
quantizer does not train its integer bits). A minifloat quantizer trains all of
its widths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BadModelFile, UnsupportedLayer
from ..fixed import FLOAT_TYPES
from .graph import OVERFLOWS, ROUNDINGS, AnyQuantizer, MinifloatQuantizer, Quantizer
from .hdf5 import Variable
from .options import Options, is_number, is_whole, plain_list
from .untrusted import shown, value_shown

Shape = tuple[int, ...]

LARGEST_WIDTH = 64
"""Trained widths stay within 24, those that follow from them within 48."""

LARGEST_EXPONENT_BITS = 8
"""A float32 has as many; trained ones stay within 4."""

PLACES = ("weight", "datalane", "bias", "table")

_DEFAULT_KIND = {"weight": "kbi", "datalane": "kif", "bias": "kbi", "table": "kbi"}
_DEFAULT_OVERFLOW = {"weight": "SAT_SYM", "datalane": "WRAP", "bias": "WRAP", "table": "SAT_SYM"}
_DEFAULT_SHARED: dict[str, tuple[list[int] | None, list[int] | None]] = {
    "weight": ([], None),
    "datalane": ([0], None),
    "bias": ([], None),
    "table": (None, []),
}
"""``homogeneous_axis`` and ``heterogeneous_axis``: exactly one is given."""

_MINIFLOAT_SHARED = {**_DEFAULT_SHARED, "datalane": (None, [])}
"""The same for minifloats."""

_OWN = {
    "kbi": "k0 b0 i0 i_decay_speed bc ic br ir".split(),
    "kif": "k0 i0 f0 i_decay_speed ic fc ir fr".split(),
    "float": "m0 e0 e00 mc ec e0c mr er e0r".split(),
}
"""Start values, constraints and noise of a kind: they shape training, not inference."""

_FOREIGN = {
    "kbi": ("f0", "fc", "fr", "m0", "e0", "e00"),
    "kif": ("b0", "bc", "br", "m0", "e0", "e00"),
    "float": ("k0", "b0", "i0", "f0", "round_mode", "overflow_mode"),
}
"""Options that only other kinds have: with them, the stored variables are the other's too."""

_SUGAR: Mapping[str, tuple[float, float]] = {
    "HardTanhConfig": (1.0, 0.0),
    "HardSigmoidConfig": (0.25, 0.5),
}
"""Configurations that fix kif with SAT, and the affine map of their result."""


@dataclass(frozen=True)
class QuantizerOptions:
    """What a quantizer's configuration says."""

    kind: str
    """``kbi``, ``kif`` or ``float``."""
    rounding: str
    overflow: str
    is_weight: bool
    is_trainable: bool
    homogeneous: tuple[int, ...] | None
    """Axes along which widths are shared, or ..."""
    heterogeneous: tuple[int, ...] | None
    """... the axes along which they differ."""
    scaler: float
    affine: tuple[float, float]

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        """The stored variables of a quantizer of a tensor of `shape`, in stored order."""
        shared = self._shared(shape)

        def width(name: str) -> Variable:
            return Variable(name, shared, may_broadcast=True)

        if self.kind == "float":
            return (width("m"), width("e"), width("e0"))
        if self.overflow == "WRAP":
            trained = "f" if self.kind == "kif" else "b"
            decay = Variable("i_decay_speed", (), is_read=False)
            return (width(trained), width("k"), width("i"), decay)
        names = ("i", "f", "k") if self.kind == "kif" else ("b", "i", "k")
        return tuple(width(name) for name in names)

    def inference_overflow(self) -> str:
        """What happens to a number beyond the format at inference.

        hgq2 skips the wrap of a trainable WRAP weight, because training keeps its range in
        the format: always for kif, for kbi only where the rounding is RND (measured on hgq2
        0.2.0). What counts as a weight is the quantizer's own ``is_weight``, at any place.
        """
        is_kept_in_range = self.kind == "kif" or self.rounding == "RND"
        is_only_rounded = self.is_weight and self.is_trainable and is_kept_in_range
        return "NONE" if self.overflow == "WRAP" and is_only_rounded else self.overflow

    def _shared(self, shape: Shape) -> Shape:
        rank = len(shape)
        if self.homogeneous is not None:
            alike = {axis % rank for axis in self.homogeneous}
        else:
            alike = set(range(rank)) - {axis % rank for axis in self.heterogeneous or ()}
        return tuple(1 if axis in alike else size for axis, size in enumerate(shape))


def read_options(raw: Any, place: str, rank: int, where: str) -> QuantizerOptions:
    """Check a quantizer's configuration.

    Parameters
    ----------
    raw : JSON value
        The configuration object; null means the package's default for `place`.
    place : {'weight', 'datalane', 'bias', 'table'}
    rank : int
        Axes of the quantized tensor, its batch axis included.
    where : str
        Layer and option, as messages name them.

    Raises
    ------
    BadModelFile
        If an option is missing or nonsense.
    UnsupportedLayer
        If the quantizer is of a kind that has no fixed-point form.
    """
    class_name, values = _class_and_options(raw, where)
    options = Options(values, where)
    place = options.word("place", PLACES, default=place)
    kind = _kind(options, place)
    is_sugar = class_name in _SUGAR
    if is_sugar and kind != "kif":
        options.wrong("q_type", f"kif in a {class_name}")
    rounding, overflow = ("RND_CONV", "SAT_SYM") if kind == "float" else _modes(options, place)
    overflow = "SAT" if is_sugar else overflow
    homogeneous, heterogeneous = _axes(options, kind, place, rank)
    found = QuantizerOptions(
        kind=kind,
        rounding=rounding,
        overflow=overflow,
        is_weight=options.boolean("is_weight", default=place == "weight"),
        is_trainable=options.boolean("trainable", default=True),
        homogeneous=homogeneous,
        heterogeneous=heterogeneous,
        scaler=_scaler(options),
        affine=_affine(options, class_name),
    )
    _refuse_foreign(options, kind)
    for name in ("qnoise_factor", *_OWN[kind]):
        options.raw(name, None)
    options.refuse_leftovers()
    return found


def quantizer(
    options: QuantizerOptions,
    stored: Mapping[str, np.ndarray],
    has_batch_axis: bool,
    where: str,
    float_type: str = "float32",
) -> AnyQuantizer:
    """Build the record from what is stored.

    Parameters
    ----------
    options : QuantizerOptions
    stored : dict of name to array
        The variables, as ``options.variables`` names them.
    has_batch_axis : bool
        Whether the first axis is the batch (of extent 1), which the record drops.
    where : str
    float_type : {'float32', 'float64'}
        What the layer computes in: its widths are read so.

    Raises
    ------
    BadModelFile
        If the sign bit is no bit, or an element that is not constantly zero is wider than
        any trained format.
    """
    widths = {name: _rounded(values, float_type) for name, values in stored.items()}
    if options.kind == "float":
        return _minifloat(options, widths, has_batch_axis, where)
    k = _sign_bits(stored["k"], where)
    i = widths["i"]
    f = widths["f"] if options.kind == "kif" else widths["b"] - i
    overflow = options.inference_overflow()
    if overflow == "NONE":
        i = np.clip(i, -LARGEST_WIDTH, LARGEST_WIDTH)  # it plays no part
    is_dead = (k + i + f <= 0) & (overflow != "NONE")
    if overflow == "SAT_SYM":
        is_dead |= i + f <= 0  # its largest and smallest value are zero
    is_sane = (abs(i) <= LARGEST_WIDTH) & (abs(f) <= LARGEST_WIDTH)
    _check_widths(i, f, is_dead | is_sane, where)

    def record(bits: np.ndarray) -> np.ndarray:
        kept = np.where(is_sane, bits, 0).astype(np.int64)  # dead elements stay dead as zeros
        return kept[0] if has_batch_axis else kept

    return Quantizer(
        k=record(k),
        i=record(i),
        f=record(f),
        rounding=options.rounding,
        overflow=overflow,
        scaler=options.scaler,
        affine=options.affine,
    )


def _minifloat(
    options: QuantizerOptions, widths: Mapping[str, np.ndarray], has_batch_axis: bool, where: str
) -> MinifloatQuantizer:
    m, e, e0 = (widths[name] for name in ("m", "e", "e0"))
    is_sane = (-1 <= m) & (m <= LARGEST_WIDTH) & (abs(e0) <= LARGEST_WIDTH)
    is_sane &= (-LARGEST_WIDTH <= e) & (e <= LARGEST_EXPONENT_BITS)
    if not np.all(is_sane):
        worst = np.unravel_index(np.argmin(is_sane), is_sane.shape)
        raise BadModelFile(
            f"{where}: the minifloat m = {m[worst]:g}, e = {e[worst]:g}, e0 = {e0[worst]:g} is no "
            f"trained one; m is from -1 to {LARGEST_WIDTH}, e at most {LARGEST_EXPONENT_BITS}, e0 "
            f"within {LARGEST_WIDTH}. Restore an earlier checkpoint, or train again."
        )
    m, e, e0 = (each.astype(np.int64) for each in (m, e, e0))
    if has_batch_axis:
        m, e, e0 = m[0], e[0], e0[0]
    return MinifloatQuantizer(m, e, e0, options.scaler, options.affine)


def _check_widths(i: np.ndarray, f: np.ndarray, is_good: np.ndarray, where: str) -> None:
    if not np.all(is_good):
        worst = np.unravel_index(np.argmin(is_good), is_good.shape)
        raise BadModelFile(
            f"{where}: the format i = {i[worst]:g}, f = {f[worst]:g} is no trained one; widths "
            f"stay within {LARGEST_WIDTH} bits. Restore an earlier checkpoint, or train again."
        )


def _rounded(widths: np.ndarray, float_type: str) -> np.ndarray:
    """Widths as hgq2 reads them: in the float type of the layer, rounded half to even."""
    with np.errstate(over="ignore"):
        return np.rint(widths.astype(FLOAT_TYPES[float_type])).astype(np.float64)


def _sign_bits(k: np.ndarray, where: str) -> np.ndarray:
    if not np.all((k == 0) | (k == 1)):
        raise BadModelFile(
            f"{where}: the sign bit k is {value_shown(k[(k != 0) & (k != 1)].flat[0].item())}; "
            f"it must be 0 or 1. The file is damaged or was edited; save the model again."
        )
    return k.astype(np.float64)


def _class_and_options(raw: Any, where: str) -> tuple[str, Mapping[str, Any]]:
    if raw is None:
        return "QuantizerConfig", {}
    if not isinstance(raw, Mapping) or not isinstance(raw.get("config"), Mapping):
        raise BadModelFile(
            f"{where}: {value_shown(raw)} is no quantizer configuration. Save the model again."
        )
    class_name = raw.get("class_name")
    if class_name not in ("QuantizerConfig", *_SUGAR):
        raise UnsupportedLayer(
            f"{where}: quantizer configuration {value_shown(class_name)} is unknown here. "
            f"Use QuantizerConfig, HardTanhConfig or HardSigmoidConfig."
        )
    return class_name, raw["config"]


def _kind(options: Options, place: str) -> str:
    kind = options.text("q_type", default="default")
    if kind == "default":
        return _DEFAULT_KIND[place]
    if kind not in _OWN:
        raise UnsupportedLayer(
            f"{options.where}: quantizer type {shown(kind)!r} has no fixed-point form. "
            f"Use kbi, kif or float."
        )
    return kind


def _refuse_foreign(options: Options, kind: str) -> None:
    for name in _FOREIGN[kind]:
        if options.has(name):
            options.bad(f"option {name!r} contradicts q_type, which makes this a {kind} quantizer")


def _modes(options: Options, place: str) -> tuple[str, str]:
    """Rounding and overflow."""
    overflow = _mode(options, "overflow_mode", _DEFAULT_OVERFLOW[place])
    rounding = _mode(options, "round_mode", "RND").removeprefix("S_")
    _check_modes(options, rounding, overflow)
    return rounding, overflow


def _mode(options: Options, name: str, default: str) -> str:
    """A rounding or overflow word; hgq2 takes small letters too."""
    return options.text(name, default).upper()


def _check_modes(options: Options, rounding: str, overflow: str) -> None:
    if rounding not in ROUNDINGS:
        options.wrong("round_mode", "one of " + ", ".join(ROUNDINGS))
    known = tuple(word for word in OVERFLOWS if word != "NONE")
    if overflow not in known:
        options.wrong("overflow_mode", "one of " + ", ".join(known))
    if overflow == "WRAP_SM" and rounding not in ("RND", "RND_CONV"):
        options.wrong("round_mode", "RND or RND_CONV with WRAP_SM")


def _axes(
    options: Options, kind: str, place: str, rank: int
) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """``homogeneous_axis`` and ``heterogeneous_axis``."""
    if options.raw("bw_mapper", None) is not None:
        raise UnsupportedLayer(
            f"{options.where}: a bw_mapper of its own shares widths in a way unknown here. "
            f"Use homogeneous_axis or heterogeneous_axis."
        )
    same = plain_list(options.raw("homogeneous_axis", None))
    differ = plain_list(options.raw("heterogeneous_axis", None))
    if same is None and differ is None:
        same, differ = (_MINIFLOAT_SHARED if kind == "float" else _DEFAULT_SHARED)[place]
    if kind == "float" and same == differ == []:
        differ = None  # hgq2's default of a minifloat bias gives both
    if same is not None and differ is not None:
        options.bad("homogeneous_axis and heterogeneous_axis are both given; one must be null")
    return (
        _checked_axes(options, "homogeneous_axis", same, rank),
        _checked_axes(options, "heterogeneous_axis", differ, rank),
    )


def _checked_axes(options: Options, name: str, axes: Any, rank: int) -> tuple[int, ...] | None:
    if axes is None:
        return None
    axes = [axes] if is_whole(axes) else axes
    if not isinstance(axes, Sequence) or not all(
        is_whole(axis) and -rank <= axis < rank for axis in axes
    ):
        options.wrong(name, f"a list of axes of a tensor with {rank} axes")
    return tuple(axes)


def _scaler(options: Options) -> float:
    value = options.raw("scaler", None)
    if value is None:
        return 1.0
    if not is_number(value) or value == 0:
        options.wrong("scaler", "a finite number, not 0")
    return float(value)


def _affine(options: Options, class_name: str) -> tuple[float, float]:
    value = plain_list(options.raw("affine", None))
    if class_name in _SUGAR:
        return _SUGAR[class_name]
    if value is None:
        return (1.0, 0.0)
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_number, value)):
        options.wrong("affine", "two finite numbers")
    return (float(value[0]), float(value[1]))
