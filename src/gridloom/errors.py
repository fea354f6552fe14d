"""Every error that GridLoom raises on purpose, as one tree.

Each message says what was wrong, what was found, what is allowed and what to do next.
``exit_code`` is what the command line ends with.

::

    GridLoomError                       1  the run failed
    ├── UsageError                      2  bad input, found before any work
    │   ├── ConfigError                    a setting is out of its range
    │   ├── KeyMissingError                no API key where one is needed
    │   ├── UnknownCodeError               a respondent or series code that does not exist
    │   ├── NoDataError                    hours that the source does not have
    │   ├── FileFormatError                a file that is not of the contract
    │   ├── MissingExtraError              a library of an extra is not installed
    │   └── GraphError                     the DAG cannot be built
    │       ├── DuplicateStepError
    │       ├── UnknownStepError
    │       ├── CycleError
    │       ├── AnnotationError            a step's parameters or result are not annotated with types
    │       └── WiringError                outputs and inputs do not fit
    ├── StorageError                    1  disk full, read-only, or not permitted
    ├── SourceError                     1  the data source
    │   ├── SourceUnreachableError         no answer
    │   ├── KeyRejectedError               the key was refused
    │   ├── SourceAnswerError              an answer that is not what the API promises
    │   └── IncompleteWindowError          rows received are not the rows that the source counts
    ├── CheckFailedError                1  a required check failed: nothing was published
    ├── RawDataError                    1  landed pages that are damaged or missing
    ├── StepError                       1  a step ended badly
    │   ├── StepFailedError                its own error is the cause
    │   ├── StepTimeoutError               it took longer than its time limit
    │   └── StepCrashedError               its process ended before it did
    ├── ListenerError                   1  who listens to a run could not pass on what it heard
    └── InterruptedRunError           130  Ctrl-C, SIGTERM or cancel()
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "AnnotationError",
    "CheckFailedError",
    "ConfigError",
    "CycleError",
    "DuplicateStepError",
    "FileFormatError",
    "GraphError",
    "GridLoomError",
    "IncompleteWindowError",
    "InterruptedRunError",
    "KeyMissingError",
    "KeyRejectedError",
    "ListenerError",
    "MissingExtraError",
    "NoDataError",
    "RawDataError",
    "SourceAnswerError",
    "SourceError",
    "SourceUnreachableError",
    "StepCrashedError",
    "StepError",
    "StepFailedError",
    "StepTimeoutError",
    "StorageError",
    "UnknownCodeError",
    "UnknownStepError",
    "UsageError",
    "WiringError",
    "did_you_mean",
]


class GridLoomError(Exception):
    """The root: something went wrong that GridLoom can explain."""

    exit_code: ClassVar[int] = 1


class UsageError(GridLoomError):
    """Bad input or usage, found before any work was done."""

    exit_code: ClassVar[int] = 2


class ConfigError(UsageError):
    """A setting is missing, unknown or out of its range."""


class KeyMissingError(UsageError):
    """The source needs an API key and none was given."""


class UnknownCodeError(UsageError):
    """A respondent, series or fuel code that the source does not know."""


class NoDataError(UsageError):
    """The hours asked for lie outside what the source has."""


class FileFormatError(UsageError):
    """A file is not what the command takes, such as a Parquet of other columns."""


class MissingExtraError(UsageError):
    """What was asked for needs a library that comes with an extra and is not installed."""


class GraphError(UsageError):
    """The DAG cannot be built as described."""


class DuplicateStepError(GraphError):
    """Two steps of one DAG carry the same id."""


class UnknownStepError(GraphError):
    """A dependency or a query names a step that is not in the DAG."""


class CycleError(GraphError):
    """Steps depend on each other in a circle."""


class AnnotationError(GraphError):
    """A step's ``_execute`` has a parameter or a result without a usable type annotation."""


class WiringError(GraphError):
    """The outputs of a step's dependencies do not fit its parameters."""


class StorageError(GridLoomError):
    """Reading or writing failed: disk full, read-only or not permitted."""


class SourceError(GridLoomError):
    """The data source did not do what was needed."""


class SourceUnreachableError(SourceError):
    """No usable answer came from the source, whatever was tried."""


class KeyRejectedError(SourceError):
    """The source refused the API key."""


class SourceAnswerError(SourceError):
    """The source answered with something that the API does not promise."""


class IncompleteWindowError(SourceError):
    """The rows received for a window are not the rows that the source counts in it."""


class CheckFailedError(GridLoomError):
    """A required check failed, so nothing was published."""


class RawDataError(GridLoomError):
    """Landed pages are damaged, incomplete or gone."""


class StepError(GridLoomError):
    """A step of a run ended badly."""


class StepFailedError(StepError):
    """A step raised; ``__cause__`` is what it raised."""


class StepTimeoutError(StepError):
    """A step took longer than its time limit."""


class StepCrashedError(StepError):
    """The process of a step ended before the step did: killed, out of memory, or crashed."""


class ListenerError(GridLoomError):
    """A listener could not pass on what it heard; the run that it listens to goes on and is told."""


class InterruptedRunError(GridLoomError):
    """The run was interrupted and can be continued by running the same command again."""

    exit_code: ClassVar[int] = 130


def did_you_mean(wrong: str, valid: Iterable[str], *, most: int = 3) -> str:
    """Returns a sentence with the valid words nearest to `wrong`, or an empty string.

    Args:
        wrong: The word as it was given.
        valid: All words that would have been right.
        most: How many suggestions at most.

    Example:
        >>> did_you_mean("PACV", ["PACE", "PACW", "MISO"])
        ' Did you mean PACW or PACE?'
        >>> did_you_mean("XXXX", ["PACE"])
        ''
    """
    near = difflib.get_close_matches(wrong, sorted(set(valid)), n=most, cutoff=0.6)
    return f" Did you mean {' or '.join(near)}?" if near else ""
