"""What a scheduled Program costs, in total and per layer: the content of ``report.json``."""

from .counts import Counts, counts_by_layer, total

__all__ = ["Counts", "counts_by_layer", "total"]
