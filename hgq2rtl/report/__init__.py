"""What a compile tells its user: ``report.json`` and the tables in the terminal."""

from .info import info_report
from .summary import make_report
from .tables import block_table, info_table, layer_table

__all__ = ["block_table", "info_report", "info_table", "layer_table", "make_report"]
