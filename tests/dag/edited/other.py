"""Helpers of the second step."""

from __future__ import annotations


def joined(text: str) -> str:
    return f"{text}!"
