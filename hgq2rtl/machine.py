"""What the machine offers: cores, and a place for what costs time and never changes."""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cache_folder() -> Path:
    """``HGQ2RTL_CACHE``, or the user's; the benches in ``sim/``, which stand alone, say the same.

    Raises
    ------
    RuntimeError
        If the user has no home.
    """
    if "HGQ2RTL_CACHE" in os.environ:
        return Path(os.environ["HGQ2RTL_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hgq2rtl"
