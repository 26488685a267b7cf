"""What of a message an engine gets to see, and the way back: from places in that to places in the message."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from shared.ai.masking import Mask, personal
from shared.ai.masking_numbers import Found
from shared.models.text import INVISIBLE, hides

MAX_SEEN_CHARACTERS = 19_900
CUT_MARK = "\n[CUT]"
# Looked at beyond the cut, so that no half of an address or a number is left before it.
_BEYOND = 600


@dataclass(frozen=True, slots=True)
class Run:
    """What is seen of the message from `start` to `end`: the same characters, or a placeholder for them."""

    text: str
    start: int
    end: int
    same: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """Runs one after the other; `begins` is where each begins in what is seen."""

    runs: tuple[Run, ...]
    begins: tuple[int, ...]

    @property
    def text(self) -> str:
        """What is seen."""
        return "".join(run.text for run in self.runs)

    def part(self, start: int, end: int) -> Iterator[Run]:
        """Yield the runs from `start` to `end`, without a placeholder that would be cut."""
        for index in range(max(0, bisect_right(self.begins, start) - 1), len(self.runs)):
            run, begin = self.runs[index], self.begins[index]
            if begin >= end:
                return
            first, last = max(0, start - begin), min(len(run.text), end - begin)
            if run.same and first < last:
                yield Run(run.text[first:last], run.start + first, run.start + last)
            elif not run.same and (first, last) == (0, len(run.text)):
                yield run

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Return where in the message stands what is seen from `start` to `end`; None for what is not of it."""
        first, last = self._at(start), self._at(end - 1)
        if not 0 <= start < end or first is None or last is None:
            return None
        (one, one_begin), (other, other_begin) = first, last
        began = one.start + (start - one_begin if one.same else 0)
        return began, (other.start + end - other_begin if other.same else other.end)

    def _at(self, place: int) -> tuple[Run, int] | None:
        index = bisect_right(self.begins, place) - 1
        if index < 0 or place >= self.begins[index] + len(self.runs[index].text):
            return None
        return self.runs[index], self.begins[index]


@dataclass(frozen=True, slots=True)
class Seen:
    """`text` is what an engine gets of `message`: without what nobody sees, masked if asked for, cut if long.

    `found` is what was masked, at its places in the message. `hidden` says that something was made not to be seen.
    """

    message: str
    shown: Shown
    text: str
    found: tuple[Found, ...]
    cut: bool
    hidden: bool


def see(message: str, mask: Mask | None = None, *, most: int = MAX_SEEN_CHARACTERS) -> Seen:
    """Return what is seen of a message: at most `most` characters, and a mark where it was cut."""
    whole = _shown(_visible(message))
    length = len(whole.text)
    shown = _shown(whole.part(0, most + _BEYOND))
    found: tuple[Found, ...] = ()
    if mask:
        shown, found = _masked(shown, mask)
    cut = length > most + _BEYOND or len(shown.text) > most
    if cut:
        shown = _shown(shown.part(0, most))
        end = shown.runs[-1].end if shown.runs else 0
        found = tuple(each for each in found if each.end <= end)
    return Seen(message, shown, shown.text + (CUT_MARK if cut else ""), found, cut, hides(message))


def _shown(runs: Iterable[Run]) -> Shown:
    kept = tuple(runs)
    return Shown(kept, tuple(accumulate((len(run.text) for run in kept[:-1]), initial=0)) if kept else ())


def _visible(message: str) -> Iterator[Run]:
    at = 0
    for match in INVISIBLE.finditer(message):
        if match.start() > at:
            yield Run(message[at : match.start()], at, match.start())
        at = match.end()
    if at < len(message):
        yield Run(message[at:], at, len(message))


def _masked(shown: Shown, mask: Mask) -> tuple[Shown, tuple[Found, ...]]:
    text, at = shown.text, 0
    runs: list[Run] = []
    placed: list[Found] = []
    for found in personal(text):
        span = shown.span(found.start, found.end)
        if span is None:
            continue
        runs += shown.part(at, found.start)
        runs.append(Run(mask.placeholder(found.kind, text[found.start : found.end]), *span, same=False))
        placed.append(Found(found.kind, *span, found.value))
        at = found.end
    runs += shown.part(at, len(text))
    return _shown(runs), tuple(placed)
