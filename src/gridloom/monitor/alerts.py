"""Alerts: one message by webhook where a run failed, works again, or found its data wanting.

A receiver gets one JSON object, or what Slack's incoming webhooks take. A run sends one message at most, at
its end: a failure says what was found as well.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

import msgspec

from gridloom.dag.events import Event, FindingReported, RunFinished, RunStarted, StepFinished
from gridloom.dag.outcome import INTERRUPTED, RunOutcome, StepOutcome
from gridloom.errors import ConfigError
from gridloom.monitor.post import checked_url, post
from gridloom.words import several

__all__ = ["OCCASIONS", "Occasion", "WebhookAlerts"]

Occasion = Literal["failure", "recovery", "findings"]
"""What a message is about: a run that failed; one that succeeded after one that had not; checks that did not
hold in a run that succeeded. That somebody stopped a run is nothing to be told of."""

OCCASIONS: Final[tuple[Occasion, ...]] = get_args(Occasion)

_NORMAL: Final = frozenset({"hours-missing"})
"""Checks that hardly ever hold, for the source has gaps: they are notes of a run and no news."""

_SLACK: Final = "slack:"
_SLACK_HOST: Final = "hooks.slack.com"
_MOST_LINES: Final = 10
_FAILED: Final = StepOutcome.failed


class WebhookAlerts:
    """A sink of events that sends a message at the end of a run, if there is one to send.

    Args:
        url: Where to; ``slack:`` before it, or the host hooks.slack.com, asks for Slack's form.
        recovers: Whether the pipeline's run before this one had failed.
        occasions: What to send messages about.

    Attributes:
        kinds: The events that it wants.

    Raises:
        ConfigError: If that is no URL.
    """

    kinds: tuple[type[Event], ...] = (RunStarted, StepFinished, FindingReported, RunFinished)

    def __init__(
        self, url: str, *, recovers: bool = False, occasions: Collection[Occasion] = OCCASIONS
    ) -> None:
        self._url = checked_url(
            url.removeprefix(_SLACK),
            "--notify",
            f"an http or https URL, with '{_SLACK}' before it for a receiver of Slack's form",
        )
        self._slack = url.startswith(_SLACK) or urlsplit(self._url).hostname == _SLACK_HOST
        unknown = sorted(set(occasions) - set(OCCASIONS))
        if unknown:
            raise ConfigError(f"'{unknown[0]}' is nothing to notify of. Choose from {', '.join(OCCASIONS)}.")
        self._recovers, self._occasions = recovers, frozenset(occasions)
        self._pipeline = {"id": "", "name": ""}
        self._failed_steps: list[dict[str, str]] = []
        self._findings: list[dict[str, Any]] = []

    def __call__(self, event: Event) -> None:
        """Hears one event; the last one decides whether a message is sent.

        Raises:
            ListenerError: If the receiver does not take it.
        """
        match event:
            case StepFinished():  # first, for there are thousands of them
                if event.outcome is _FAILED:
                    self._failed_steps.append({"step_id": event.step_id, "reason": event.reason})
            case RunStarted():
                self._pipeline = {"id": event.pipeline_id, "name": event.pipeline_name}
            case FindingReported() if not event.passed and event.name not in _NORMAL:
                self._findings.append(
                    {
                        "step_id": event.step_id,
                        "name": event.name,
                        "required": event.required,
                        "detail": event.detail,
                    }
                )
            case RunFinished():
                occasion = self._occasion(event)
                if occasion in self._occasions:
                    self._send(occasion, event)
            case _:
                pass

    def _occasion(self, event: RunFinished) -> Occasion | None:
        if event.ended_as == INTERRUPTED:
            return None
        if event.outcome in {RunOutcome.failed, RunOutcome.partial}:
            return "failure"
        if event.outcome is RunOutcome.succeeded and self._recovers and "recovery" in self._occasions:
            return "recovery"
        return "findings" if self._findings else None

    def _send(self, occasion: Occasion, event: RunFinished) -> None:
        text = self._text(occasion, event)
        message: dict[str, Any] = {"text": _for_slack(text)}
        if not self._slack:
            error = {"type": event.error_type, "message": event.message}
            message = {
                "version": 1,
                "occasion": occasion,
                "text": text,
                "pipeline": self._pipeline,
                "run_id": event.run_id,
                "outcome": event.outcome.value,
                "finished_at": event.at.isoformat(),
                "duration_s": round(event.duration_s, 3),
                "rows": event.rows,
                "error": error if event.error_type else None,
                "failed_steps": self._failed_steps,
                "findings": self._findings,
            }
        post(
            self._url,
            msgspec.json.encode(message),
            what="The webhook",
            content_type="application/json",
        )

    def _text(self, occasion: Occasion, event: RunFinished) -> str:
        how = {
            "failure": f"{event.outcome.value} after {event.duration_s:,.1f} s",
            "recovery": "works again",
            "findings": f"succeeded, and {several(len(self._findings), 'check')} of its data did not hold",
        }[occasion]
        lines = [f"GridLoom: pipeline {self._pipeline['name']} {how} (run {event.run_id})."]
        lines += [event.message] if event.message else []
        lines += [f"{step['step_id']}: {step['reason']}" for step in self._failed_steps]
        lines += [f"{each['step_id']}: {each['name']}: {each['detail']}" for each in self._findings]
        left = len(lines) - _MOST_LINES
        return "\n".join(
            [*lines[:_MOST_LINES], *([f"And {several(left, 'more line')}."] if left > 0 else [])]
        )


def _for_slack(text: str) -> str:
    """Returns a text with what Slack reads as markup made plain."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
