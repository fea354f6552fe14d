"""Calls one function in a process of its own: ``child.py MODULE FUNCTION JSON`` prints its facts as JSON.

The peak memory is that of this process alone: what the kernel tells the parent may include the parent. A
case that looks at what it made reports the peak of before.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

from clock import peak_rss_mb

if __name__ == "__main__":
    module, function, arguments = sys.argv[1:]
    facts = getattr(import_module(module), function)(**json.loads(arguments))
    print(json.dumps({"peak_rss_mb": peak_rss_mb(), **facts}))
