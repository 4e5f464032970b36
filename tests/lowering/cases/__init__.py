"""Cases for every registered handler, by family: ``CASES`` of each module, joined."""

from importlib import import_module
from pkgutil import iter_modules

CASES = {}
for _module in iter_modules(__path__):
    _found = getattr(import_module(f"{__name__}.{_module.name}"), "CASES", {})
    _twice = set(CASES) & set(_found)
    assert not _twice, f"{_twice} have cases in two modules"
    CASES.update(_found)
