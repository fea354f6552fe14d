"""What the terminal shows of a run at work: lines that fit its size, from the run's state. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.console import OverflowMethod
from rich.text import Text

from gridloom.dag.outcome import StepOutcome
from gridloom.monitor.state import WAITING, RunState, StepState
from gridloom.monitor.told import asked, told
from gridloom.words import count, duration, size

__all__ = ["frame", "plain"]

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BLANKS: Final = re.compile(r"\s+")
_STYLES: Final = {
    StepOutcome.running.value: "bold",
    WAITING: "yellow",
    StepOutcome.executed.value: "green",
    StepOutcome.cached.value: "cyan",
    StepOutcome.failed.value: "bold red",
    StepOutcome.cancelled.value: "yellow",
}
"""Of each state; the others are dim."""

_STATE_WIDTH: Final = 9
_TOOK_WIDTH: Final = 12
_LEAST_NAME: Final = 14
_BARS: Final = ((20, 48), (10, 40), (5, 30))
"""How long a bar is that leaves how much room: the rate and the time left matter more."""

_SHARE_WIDTH: Final = 7
_SPARE: Final = 100
"""Of a terminal that is not so wide, names get a fifth instead of a quarter."""

_NARROW: Final = 60
"""Of a terminal that is not so wide, a step at work shows how far it is instead of its state and its time."""

_MOST_CHOSEN: Final = 20
"""Of a DAG that does not fit as a whole, no more steps than these are shown, however tall the terminal is."""

_Signs = tuple[str, str, OverflowMethod]

_SIGNS: Final[tuple[_Signs, ...]] = (("━", "─", "ellipsis"), ("#", "-", "crop"))
"""What is done, what is not, and how lines that are too long end; with Unicode and without."""


def plain(text: str) -> str:
    """Returns a text in which what a terminal would obey is replaced."""
    return _CONTROLS.sub("\ufffd", text)


def frame(
    state: RunState,
    now: datetime,
    *,
    width: int,
    height: int,
    memory_bytes: int | None = None,
    ascii_only: bool = False,
    unfinished: Sequence[str] = (),
) -> list[Text]:
    """Returns the lines of the view, of which none is wider and which together are not taller than asked.

    Every step has a line, in the order of the run. Where those are too many, the ones at work have theirs,
    above them those that ended last, and the first line counts the rest. What somebody printed without a
    line's end, such as a question, stands above all that.

    Args:
        state: The run, as far as its events tell.
        now: The time, for what is at work.
        width: Columns of the terminal.
        height: Most lines.
        memory_bytes: Memory in use; None where nobody knows.
        ascii_only: Whether the terminal knows nothing but ASCII.
        unfinished: What was printed without a line's end so far.
    """
    signs = _SIGNS[ascii_only]
    lines = [Text(_seen(each)) for each in unfinished]
    if state.steps:
        lines.append(_head(state, now, memory_bytes))
        lines += _rest(state, now, width, height - len(lines), signs)
    for line in lines:
        _cut(line, width, signs[2])
    return lines[: max(height, 0)]


def _rest(state: RunState, now: datetime, width: int, height: int, signs: _Signs) -> list[Text]:
    asks = asked(state)
    room = max(height - bool(asks.told), 0)
    steps, left_out = _chosen(state, room)
    most = max(width // (4 if width >= _SPARE else 5), _LEAST_NAME)
    name_width = min(max(map(len, (step.step_id for step in steps)), default=0), most)
    beside = width - name_width - _STATE_WIDTH - _TOOK_WIDTH - _SHARE_WIDTH - 6
    bar_width = next((length for length, rest in _BARS if length + rest <= beside), 0)
    lines = [_line(step, now, width, name_width, bar_width, signs) for step in steps]
    lines += [Text(f"  and {left_out:,} more at work", "dim")] if left_out else []
    lines += [Text(f"  {asks.told}", "yellow" if asks.slowed else "dim")] if asks.told else []
    return lines


def _head(state: RunState, now: datetime, memory_bytes: int | None) -> Text:
    counts = Counter(step.state for step in state.steps.values())
    over = sum(step.over for step in state.steps.values())
    parts = [f"{count(over)} of {count(len(state.steps))} steps ended"]
    parts += [
        f"{count(counts[each])} {each}"
        for each in (*_STYLES, *sorted(counts.keys() - _STYLES))
        if counts[each]
    ]
    parts += [] if memory_bytes is None else [f"{size(memory_bytes)} memory"]
    line = Text(_flat(state.pipeline) or "run", "bold")
    line.append(f"  {_clock(state.began, now)}  ", "not bold")
    return line.append(", ".join(parts), "not bold dim")


def _chosen(state: RunState, room: int) -> tuple[list[StepState], int]:
    """Returns the steps that have a line, and how many at work have none."""
    if len(state.steps) <= room:
        return list(state.steps.values()), 0
    room = min(room, _MOST_CHOSEN)
    busy = [step for step in state.steps.values() if step.at_work]
    if len(busy) > room:
        kept = max(room - 1, 0)  # the last line tells of the others
        return busy[:kept], len(busy) - kept
    ended = room - len(busy)
    return [*(state.finished[-ended:] if ended else []), *busy], 0


def _line(  # noqa: PLR0917 - a layout and what stands in it
    step: StepState, now: datetime, width: int, name_width: int, bar_width: int, signs: _Signs
) -> Text:
    style = _STYLES.get(step.state, "dim")
    line = Text("  ")
    name = _cut(Text(_flat(step.step_id), "" if step.at_work else "dim"), name_width, signs[2])
    name.pad_right(name_width - name.cell_len)
    line.append_text(name)
    share = step.share if step.at_work else None
    if width >= _NARROW or share is None:
        line.append(f"  {step.state:<{_STATE_WIDTH}}", style)
    if width >= _NARROW:
        took = _clock(step.began, now) if step.at_work else _took(step)
        line.append(f"{took:>{_TOOK_WIDTH}}", "" if step.at_work else "dim")
    line.append("  ")
    if share is not None:
        filled = int(share * bar_width)
        line.append(signs[0] * filled, "cyan").append(signs[1] * (bar_width - filled), "dim")
        line.append(f" {int(100 * share):>3} %  ")
    attempt = f"attempt {step.attempt}" if step.attempt > 1 else ""
    why = step.reason if step.state not in {StepOutcome.running, StepOutcome.executed} else ""
    parts = (told(step, width - line.cell_len), attempt, _flat(why))
    return line.append(", ".join(filter(None, parts)), "" if step.at_work else "dim")


def _cut(text: Text, width: int, end: OverflowMethod) -> Text:
    text.truncate(width, overflow=end)
    return text


def _seen(text: str) -> str:
    """Returns what is seen of an unfinished line: what came after it was last begun anew, without colours."""
    return _flat(Text.from_ansi(text.rstrip("\r").rpartition("\r")[2]).plain)


def _flat(text: str) -> str:
    return _BLANKS.sub(" ", plain(text))


def _took(step: StepState) -> str:
    return duration(step.duration_s) if step.duration_s and step.state != StepOutcome.cached else ""


def _clock(began: datetime | None, now: datetime) -> str:
    """Returns the time since then as hours, minutes and seconds."""
    seconds = 0 if began is None else max(int((now - began).total_seconds()), 0)
    hours, rest = divmod(seconds, 3_600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
