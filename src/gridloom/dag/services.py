"""What the steps of one run share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gridloom.dag.bus import EventBus
from gridloom.dag.cache import ManifestStore
from gridloom.dag.cancel import CancelToken
from gridloom.dag.database import Database
from gridloom.dag.executors import StepExecutor
from gridloom.dag.explain import Identities
from gridloom.dag.journal import Journal
from gridloom.dag.redact import Redactor
from gridloom.dag.staging import Staging
from gridloom.dag.stamps import Stamps

__all__ = ["RunServices"]


@dataclass(frozen=True, kw_only=True)
class RunServices:
    """What the steps of one run share."""

    out: Path
    run_id: str
    force: bool
    spared: frozenset[str]
    bus: EventBus
    token: CancelToken
    database: Database
    store: ManifestStore
    journal: Journal
    identities: Identities
    stamps: Stamps
    staging: Staging
    redactor: Redactor
    executor: StepExecutor
