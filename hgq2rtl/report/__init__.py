"""What a compile tells its user: ``report.json`` and the tables in the terminal."""

from .info import info_report
from .summary import make_report
from .tables import info_table, layer_table

__all__ = ["info_report", "info_table", "layer_table", "make_report"]
