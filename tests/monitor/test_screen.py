from __future__ import annotations

import threading

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.monitor import screen
from gridloom.monitor.screen import Screen


class Window:
    """An emulated terminal."""

    def __init__(self, columns: int = 40, rows: int = 12) -> None:
        self.columns = columns
        self._screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.Stream(self._screen)
        self.writes: list[str] = []

    def write(self, text: str) -> None:
        self.writes.append(text)
        # what a terminal does with a bare line end
        self._stream.feed(text.replace("\r\n", "\n").replace("\n", "\r\n"))

    @property
    def lines(self) -> list[str]:
        gone = ["".join(line[at].data for at in range(self.columns)) for line in self._screen.history.top]
        return [line.rstrip() for line in [*gone, *self._screen.display]]

    @property
    def text(self) -> list[str]:
        return "\n".join(self.lines).rstrip().splitlines()


@pytest.fixture
def window() -> Window:
    return Window()


@pytest.fixture
def shown(window: Window) -> Screen:
    return Screen(window.write, lambda: window.columns)


def paint(shown: Screen, *lines: str) -> None:
    shown.paint(lines, [len(line) for line in lines])


def test_each_painting_stands_in_the_place_of_the_last(shown: Screen, window: Window) -> None:
    paint(shown, "one", "two", "three")
    paint(shown, "four")

    assert window.text == ["four"]


def test_what_did_not_change_is_not_written_again(shown: Screen, window: Window) -> None:
    paint(shown, "one")
    paint(shown, "one")

    assert len(window.writes) == 1


def test_what_is_printed_stands_above_in_one_write(shown: Screen, window: Window) -> None:
    paint(shown, "view")
    shown.above("first\n")

    assert window.text == ["first", "view"]
    assert len(window.writes) == 2


def test_who_prints_a_lot_does_not_have_the_view_painted_each_time(shown: Screen, window: Window) -> None:
    paint(shown, "view")
    for number in range(50):
        shown.above(f"line {number}\n")
    painted = sum("view" in text for text in window.writes)
    paint(shown, "view")

    assert painted < 10
    assert window.text == [*(f"line {number}" for number in range(50)), "view"]


def test_what_is_erased_leaves_nothing(shown: Screen, window: Window) -> None:
    paint(shown, "one", "two")
    shown.erase()
    shown.erase()
    shown.above("after\n")

    assert window.text == ["after"]


def test_what_was_forgotten_is_painted_below(shown: Screen, window: Window) -> None:
    paint(shown, "one")
    shown.forget()
    window.write("a shell\n")
    paint(shown, "one")

    assert window.text == ["one", "a shell", "one"]


def test_lines_that_a_narrower_window_wraps_are_erased_too(shown: Screen, window: Window) -> None:
    paint(shown, "x" * 40, "y")
    window.columns = 10
    shown.erase()

    assert "\x1b[5A" in window.writes[-1]


def test_who_has_something_to_say_does_not_wait_for_ever(
    shown: Screen, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "_PATIENCE_S", 0.01)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with shown._held():
            held.set()
            release.wait()

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    shown.above("said\n")
    release.set()
    other.join()

    assert window.text == ["said"]


@given(st.lists(st.one_of(st.integers(0, 11), st.text(st.characters(categories=["L"], max_codepoint=127)))))
def test_whatever_is_painted_and_printed_all_is_there_once(acts: list[int | str]) -> None:
    window = Window()
    shown = Screen(window.write, lambda: window.columns)
    printed: list[str] = []
    last = 0
    for act in acts:
        if isinstance(act, int):
            last = act
            paint(shown, *(f"view {number}" for number in range(act)))
        else:
            printed.append(act[:40])
            shown.above(act[:40] + "\n")
    paint(shown, *(f"view {number}" for number in range(last)))
    there = window.lines
    while there and not there[-1]:
        there.pop()

    expected = [*printed, *(f"view {number}" for number in range(last))]
    while expected and not expected[-1]:
        expected.pop()
    assert there == expected
