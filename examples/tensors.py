"""Tensors of the embedded real year, and windows of them for training."""

from pathlib import Path

from gridloom import (
    EIAExtractConfig,
    EIAExtractStep,
    GridDataset,
    MLXDatasetConfig,
    MLXDatasetStep,
    PipelineDAG,
    PipelineDAGConfig,
    TransformConfig,
    TransformStep,
)

HOURS = {"first": "2019-01-01T00", "last": "2019-12-31T23", "respondents": ("NYIS", "PACW")}


def main() -> None:
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="tensors", output_dir=Path("data")))
    extracts = [
        dag.add_step(EIAExtractStep(EIAExtractConfig(**HOURS, series=series, sample=True)))
        for series in (("D", "DF"), ("NG.WND",))
    ]
    series = ("D", "DF", "NG.WND")
    table = dag.add_step(TransformStep(TransformConfig(**HOURS, series=series, name="two_2019")), extracts)
    dag.add_step(MLXDatasetStep(MLXDatasetConfig(name="two_2019", context=336, horizon=24)), [table])
    result = dag.execute()
    result.raise_for_failure()
    print(f"load: {result['load'].outcome} ({result['load'].reason})")

    dataset = GridDataset.open(result["load"].output)
    units = dict(zip(dataset.features, dataset.card.units, strict=True))
    print(f"{len(dataset):,} hours x {len(units)} features; PACW.NG.WND is {units['PACW.NG.WND']}")

    windows = dataset.windows("train", batch_size=64, shuffle=True, seed=1)
    for batch in windows:
        shapes = (tuple(array.shape) for array in (batch.context, batch.target, batch.known))
        print("context {}, target {}, known {}".format(*shapes))
        break
    print(f"of the {len(windows.target_features)} targets {', '.join(windows.target_features)}")


if __name__ == "__main__":
    main()
