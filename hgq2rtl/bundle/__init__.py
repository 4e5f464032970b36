"""Everything of a compile, written as one output folder.

Takes the Program, Schedule, Rtl and report; gives a folder that simulates and
synthesises by itself, and that :func:`read_bundle` reads back.
"""

from .folder import Bundle, read_bundle, write_bundle
from .ports_file import ports_json

__all__ = ["Bundle", "ports_json", "read_bundle", "write_bundle"]
