"""Runs of the past in an output folder, for the rooms above."""

from __future__ import annotations

from gridloom.dag.history import list_runs, load_run

__all__ = ["list_runs", "load_run"]
