"""Ring shards as a step of a DAG: a tensor dataset in, one shard per rank out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from gridloom.dag import CacheableStep, StepConfig, StepContext
from gridloom.extras import need
from gridloom.grid.artifacts import RingShards, TensorDataset
from gridloom.layout import Layout
from gridloom.load.card import read_card
from gridloom.load.ring_card import plan_ring
from gridloom.load.sequences import By

__all__ = ["RingAttentionPrepConfig", "RingAttentionPrepStep"]


class RingAttentionPrepConfig(StepConfig):
    """How a long sequence is cut for ring attention."""

    ranks: int = Field(4, ge=1, description="Number of ranks, one shard each.")
    layout: Layout = Field(
        Layout.ZIGZAG, description="How steps are dealt out: zigzag or striped (even work), or contiguous."
    )
    length: int | None = Field(
        None, ge=1, description="Hours of the sequence, from the first of the dataset.  [default: all]"
    )
    by: By = Field(
        "joint", description="One sequence of all features (joint), or one for each respondent (respondent)."
    )


class RingAttentionPrepStep(CacheableStep[RingAttentionPrepConfig]):
    """Cuts the first hours of a tensor dataset into one shard per rank, which a device reads alone."""

    version = "1"
    default_id: ClassVar[str] = "ring"

    def output_folder(self) -> str:
        """Returns the folder of shards below the output root."""
        return "ring"

    def validate_input(self, inputs: Mapping[str, Any]) -> None:  # noqa: ARG002 - the step's signature
        """Checks that what the step works with is installed.

        Raises:
            MissingExtraError: If it is not.
        """
        need("tensors", "Cutting ring shards")

    def _execute(self, dataset: TensorDataset, ctx: StepContext) -> RingShards:
        from gridloom.load.ring_build import write_ring

        config, card = self.config, read_card(dataset.path)
        split = plan_ring(card, ranks=config.ranks, layout=config.layout, length=config.length)
        folder = ctx.path(card.name)

        def on_rank(rank: int) -> None:
            ctx.raise_if_cancelled()
            ctx.progress(rank, split.ranks, "ranks")

        write_ring(
            folder,
            card,
            dataset.tensors,
            split,
            digest=dataset.digest,
            by=config.by,
            on_rank=on_rank,
        )
        return RingShards.of(
            folder, name=card.name, ranks=split.ranks, layout=split.layout.value, length=split.length
        )
