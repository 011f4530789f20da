"""Which of several overlapping entries counts when: the one added last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """`item`, the `sequence`-th that was added, over `[start, end)` in UTC; an open end is None."""

    sequence: int
    start: datetime
    end: datetime | None
    item: T


def later_wins(spans: Iterable[Span[T]]) -> list[Span[T]]:
    """The parts of `spans` that count, in order of time, never two at once and none next to another part of the same.

    At each instant the span of the highest sequence covers the others; where none covers it there is a gap. Sequences
    must differ.
    """
    given = list(spans)
    if len(given) == 1:
        return given
    waiting = sorted(given, key=lambda span: (span.start, span.sequence), reverse=True)
    edges = {span.start for span in waiting} | {span.end for span in waiting if span.end is not None}
    candidates: list[tuple[int, Span[T]]] = []
    parts: list[Span[T]] = []
    ordered = sorted(edges)
    for index, edge in enumerate(ordered):
        while waiting and waiting[-1].start <= edge:
            span = waiting.pop()
            heappush(candidates, (-span.sequence, span))
        while candidates and _over(candidates[0][1], edge):
            heappop(candidates)
        if not candidates:
            continue
        winner = candidates[0][1]
        until = ordered[index + 1] if index + 1 < len(ordered) else None
        if parts and parts[-1].sequence == winner.sequence and parts[-1].end == edge:
            parts[-1] = Span(winner.sequence, parts[-1].start, until, winner.item)
        else:
            parts.append(Span(winner.sequence, edge, until, winner.item))
    return parts


def lay_over(parts: Sequence[Span[T]], span: Span[T]) -> list[Span[T]]:
    """The parts that count once `span` is added after all of them: it covers what it overlaps, the rest stays."""
    kept: list[Span[T]] = []
    for part in parts:
        before = part.end is not None and part.end <= span.start
        after = span.end is not None and part.start >= span.end
        if before or after:
            kept.append(part)
            continue
        if part.start < span.start:
            kept.append(Span(part.sequence, part.start, span.start, part.item))
        if span.end is not None and (part.end is None or part.end > span.end):
            kept.append(Span(part.sequence, span.end, part.end, part.item))
    return sorted([*kept, span], key=lambda part: part.start)


def _over(span: Span[T], instant: datetime) -> bool:
    return span.end is not None and span.end <= instant
