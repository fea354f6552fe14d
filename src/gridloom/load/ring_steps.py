"""Ring shards as steps of a DAG: a tensor dataset that is there already, and one shard per rank of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field

from gridloom.artifact import Artifact
from gridloom.dag import CacheableStep, StepConfig, StepContext, operational
from gridloom.extras import need
from gridloom.files import plain_name
from gridloom.grid.artifacts import RingShards, TensorDataset
from gridloom.layout import Layout
from gridloom.load.card import read_card
from gridloom.load.ring_card import plan_ring
from gridloom.load.sequences import By

__all__ = ["RingAttentionPrepConfig", "RingAttentionPrepStep", "TensorFolderConfig", "TensorFolderStep"]


class TensorFolderConfig(StepConfig):
    """Which tensor dataset; what counts is its content, not where it stands."""

    folder: Path = operational(description="A folder that `gridloom load` made.")
    digest: str = Field(description="Digest of its files.")

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Returns the settings for a dataset as it is now.

        Raises:
            StorageError: If it cannot be read.
        """
        return cls(folder=folder, digest=Artifact.of(folder).digest)


class TensorFolderStep(CacheableStep[TensorFolderConfig]):
    """Hands a tensor dataset that is there already to the steps that take one; it stays where it is."""

    version = "1"
    default_id: ClassVar[str] = "tensor-folder"

    def _execute(self) -> TensorDataset:
        folder = self.config.folder
        card = read_card(folder)
        dataset = TensorDataset.of(folder, name=card.name, steps=card.steps, features=card.features)
        return dataset.still(self.config.digest)


class RingAttentionPrepConfig(StepConfig):
    """How a long sequence is cut for ring attention."""

    ranks: int = Field(default=4, ge=1, description="Ranks, one shard each.")
    layout: Layout = Field(
        default=Layout.ZIGZAG,
        description="How hours are dealt out: zigzag or striped, with even work under causal attention, or "
        "contiguous.",
    )
    length: int | None = Field(
        default=None,
        ge=1,
        description="Hours of the sequence, from the first of the dataset; None takes all.",
    )
    by: By = Field(
        default="joint",
        description="joint: one sequence of all features; respondent: one for each respondent.",
    )
    name: Annotated[str, AfterValidator(plain_name)] | None = Field(
        default=None, description="Name of the folder in 'ring'; None takes that of the dataset."
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
        name = config.name or dataset.name
        folder = ctx.path(name)

        def on_rank(rank: int) -> None:
            ctx.raise_if_cancelled()
            ctx.progress(rank, split.ranks, "ranks")

        write_ring(folder, card, dataset.tensors, split, digest=dataset.digest, by=config.by, on_rank=on_rank)
        ctx.add(rows=split.length)
        return RingShards.of(
            folder, name=name, ranks=split.ranks, layout=split.layout.value, length=split.length
        )
