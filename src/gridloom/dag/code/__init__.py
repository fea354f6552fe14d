"""The code part of a step's fingerprint: what a step's class reaches by name, and what cannot be followed.

Your own functions, classes, defaults, closures and constants count, across modules, by their syntax tree
or their value; comments, docstrings and formatting do not. Installed packages count by version. Start
reading at `walk.py`.
"""

from __future__ import annotations

from gridloom.dag.code.record import CodeRecord, Opaque, changed_parts
from gridloom.dag.code.walk import code_of

__all__ = ["CodeRecord", "Opaque", "changed_parts", "code_of"]
