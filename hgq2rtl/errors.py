"""Every error that hgq2rtl raises on purpose, and the exit code of each.

::

    Hgq2rtlError                      exit code
    ├── BadInput                      2  what the user gave cannot be used
    │   ├── BadOption                    an option or argument contradicts itself or the model
    │   ├── BadModelFile                 the model file is damaged, contradictory or hostile
    │   ├── BadProgram                   a Program (text, JSON or in memory) breaks its own rules
    │   ├── UnsupportedFormat            a file of a kind that no frontend reads (yet)
    │   ├── UnsupportedLayer             a layer, option or operator without a hardware form here
    │   ├── NotExact                     a number without a finite binary form
    │   ├── NeedsInputFormat             nothing quantizes an input, so its port has no format
    │   ├── TooLarge                     a size beyond any sensible circuit
    │   ├── ClockTooFast                 one operation alone is slower than the wanted clock
    │   └── OutputExists                 the output folder holds something that is not ours
    ├── MissingTool                   2  a program that the task needs is not installed
    ├── ToolFailed                    2  an outside program ran and failed
    └── Mismatch                      1  two rungs of the verification ladder differ

A message says what is wrong, where, and what to do; tests hold the text.
"""

from __future__ import annotations


class Hgq2rtlError(Exception):
    """Root of the family. ``str(error)`` is complete: it needs no traceback."""

    exit_code = 2


class BadInput(Hgq2rtlError, ValueError):
    """What the user gave cannot be used."""


class BadOption(BadInput):
    """An option or argument contradicts itself or the model."""


class BadModelFile(BadInput):
    """The model file is damaged, contradictory or hostile."""


class BadProgram(BadInput):
    """A Program (text, JSON or in memory) breaks its own rules."""


class UnsupportedFormat(BadInput):
    """A file of a kind that no frontend reads (yet)."""


class UnsupportedLayer(BadInput):
    """A layer, option or operator without a hardware form here."""


class NotExact(BadInput):
    """A number without a finite binary form; nothing is rounded silently."""


class NeedsInputFormat(BadInput):
    """Nothing quantizes an input, so its port has no format."""


class TooLarge(BadInput):
    """A size beyond any sensible circuit."""


class ClockTooFast(BadInput):
    """One operation alone is slower than the wanted clock."""


class OutputExists(BadInput):
    """The output folder holds something that is not ours."""


class MissingTool(Hgq2rtlError):
    """A program that the task needs is not installed."""


class ToolFailed(Hgq2rtlError):
    """An outside program ran and failed."""


class Mismatch(Hgq2rtlError):
    """Two rungs of the verification ladder differ."""

    exit_code = 1
