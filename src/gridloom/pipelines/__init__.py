"""Ready pipelines: which steps, in what order, with which settings. Read `hourly` first."""
