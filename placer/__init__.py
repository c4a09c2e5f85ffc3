"""Place LLM inference on mixed fleets, with a proven bound and an independent check.

>>> import placer
>>> sorted(placer.__all__)
['balance', 'compare', 'load_fleet', 'load_model', 'lower', 'plan', 'predict', 'simulate', 'verify']

The functions are loaded when first used, so that importing placer costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placer.api import balance, compare, load_fleet, load_model, lower, plan, predict, simulate, verify

__all__ = ["balance", "compare", "load_fleet", "load_model", "lower", "plan", "predict", "simulate", "verify"]


class _Package(ModuleType):
    """The package; ``balance``, ``plan``, ``predict``, ... are functions, and subpackages too."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        function = getattr(importlib.import_module("placer.api"), name)
        super().__setattr__(name, function)
        return function


sys.modules[__name__].__class__ = _Package
