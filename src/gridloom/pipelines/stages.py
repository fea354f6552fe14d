"""What may follow the table in one run: its tensors, then the ring shards of these.

::

    transform ── load ── tensors/<name>/
                  │
                 ring ── ring/<name>/
"""

from __future__ import annotations

from gridloom.dag import PipelineDAG, StepNode
from gridloom.errors import ConfigError
from gridloom.extras import need
from gridloom.grid.hours import HourRange
from gridloom.load.ring_steps import RingAttentionPrepConfig, RingAttentionPrepStep
from gridloom.load.splits import check_window, split_hours
from gridloom.load.steps import MLXDatasetConfig, MLXDatasetStep

__all__ = ["add_stages", "check_stages"]


def check_stages(through: str, name: str, hours: HourRange) -> None:
    """Raises unless the stages after the table can be run on these hours.

    Args:
        through: Last stage to run.
        name: Name of the table.
        hours: The periods asked for.

    Raises:
        MissingExtraError: If what they need is not installed.
        ConfigError: If the hours are too few.
    """
    need("tensors", f"--through {through}")
    config = MLXDatasetConfig(name=name)
    splits = split_hours(hours, config.splits)
    try:
        check_window(splits, config.context, config.horizon)
    except ConfigError:
        raise ConfigError(
            f"--through {through} makes windows of {config.context + config.horizon:,} hours from the first "
            f"{splits.train_stop:,} of the {len(hours):,} hours asked for. Ask for more hours, or leave "
            "--through out and make tensors of the table with `gridloom load --context N --horizon N`."
        ) from None


def add_stages(dag: PipelineDAG, table: StepNode, name: str, through: str) -> None:
    """Adds the steps that follow a table's step.

    Args:
        dag: Where to.
        table: The step that makes the table.
        name: Name of what they make.
        through: Last stage to run, ``load`` or ``ring``.
    """
    tensors = dag.add_step(MLXDatasetStep(MLXDatasetConfig(name=name)), dependencies=[table])
    if through == "ring":
        dag.add_step(RingAttentionPrepStep(RingAttentionPrepConfig()), dependencies=[tensors])
