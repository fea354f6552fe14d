"""A tiny MLX model learns tomorrow's demand from what `make demo` made: tensors, and four ring shards.

Needs `pip install 'gridloom[mlx]'`; `gridloom doctor` tells how fast MLX is here.
"""

import subprocess
import sys
from pathlib import Path

try:
    import mlx.core as mx
    import mlx.optimizers as optim
    from mlx import nn
    from mlx.utils import tree_map
except ModuleNotFoundError:
    sys.exit("This example needs MLX: pip install 'gridloom[mlx]'")

from gridloom import GridDataset, RingShard

TENSORS, RING = Path("data/tensors/eia930_2019"), Path("data/ring/eia930_2019")


class Tomorrow(nn.Module):
    """A week of demand and the calendar of each hour to come, to the demand of that hour."""

    def __init__(self, context: int, known: int, width: int = 64) -> None:
        super().__init__()
        self.past = nn.Linear(context, width)
        self.ahead = nn.Linear(known, width)
        self.out = nn.Linear(width, 1)

    def __call__(self, past: mx.array, ahead: mx.array) -> mx.array:
        return self.out(nn.relu(self.past(past)[:, None] + self.ahead(ahead)))


def masked_mse(guess: mx.array, truth: mx.array, mask: mx.array) -> mx.array:
    """Returns the mean squared error of the hours that are there."""
    return (mask * (guess - truth) ** 2).sum() / mask.sum()


def train_on_windows(steps: int = 60) -> list[float]:
    """Returns the loss of each step: one day ahead, all respondents by one model."""
    windows = GridDataset.open(TENSORS).windows(
        "train", by="respondent", targets=["D"], batch_size=64, shuffle=True
    )
    demand = windows.features.index("D")
    model, optimizer = Tomorrow(168, len(windows.known_features)), optim.Adam(2e-3)
    step = nn.value_and_grad(
        model,
        lambda batch: masked_mse(
            model(batch.context[..., demand], batch.known), batch.target, batch.target_mask
        ),
    )
    losses = []
    for batch, _ in zip(windows, range(steps), strict=False):
        loss, gradient = step(batch)
        optimizer.update(model, gradient)
        mx.eval(model.parameters(), optimizer.state)
        losses.append(loss.item())
    return losses


def train_on_shards(steps: int = 40) -> list[float]:
    """Returns the loss of each step: every rank works on its shard alone, then they add what they found."""
    ranks = [RingShard.open(RING, rank) for rank in range(4)]
    layout = ranks[0].layout
    demand = layout.features.index("ERCO.D")
    clock = [layout.features.index(f"ERCO.{name}") for name in ("hour_sin", "hour_cos", "doy_sin", "doy_cos")]
    mean, std = (mx.array(each[0]) for each in (layout.mean, layout.std))
    model, optimizer = nn.Sequential(nn.Linear(len(clock), 32), nn.Tanh(), nn.Linear(32, 1)), optim.Adam(2e-2)

    def error(shard: dict[str, mx.array]) -> mx.array:
        values = (shard["values"] - mean) / std
        there = shard["mask"][:, demand] * (shard["positions"] >= 0)
        guess = model(values[:, mx.array(clock)])[:, 0]
        return (there * (guess - values[:, demand]) ** 2).sum() / layout.length

    step = nn.value_and_grad(model, error)
    shards = [shard.to_mlx() for shard in ranks]
    losses = []
    for _ in range(steps):
        parts = [step(shard) for shard in shards]
        total = tree_map(lambda *each: sum(each), *(gradient for _, gradient in parts))
        optimizer.update(model, total)
        mx.eval(model.parameters(), optimizer.state)
        losses.append(sum(loss.item() for loss, _ in parts))
    return losses


def main() -> None:
    if not (RING / "layout.json").exists():
        command = [sys.executable, "-m", "gridloom", "year", "--sample", "--through", "ring", "-q"]
        subprocess.run(command, check=True)  # noqa: S603 - our own command
    mx.random.seed(0)
    for name, losses in (("windows", train_on_windows()), ("ring shards", train_on_shards())):
        early, late = (sum(some) / len(some) for some in (losses[:5], losses[-5:]))
        print(f"{name}: {len(losses)} steps, loss {early:.1f} to {late:.1f}")
        print(f"{name}: the loss {'fell' if late < early / 2 else 'did not fall'}")


if __name__ == "__main__":
    main()
