from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from console.ranges import Periods, read_question
from engine.calendar import Period


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOW = at("2026-11-20T15:30")
PERIODS = Periods(Period(at("2026-11-01"), at("2026-12-01")), Period(at("2026-10-01"), at("2026-11-01")))


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ({}, "2026-11-01", "2026-12-01"),
        ({"preset": "previous"}, "2026-10-01", "2026-11-01"),
        ({"preset": "7d"}, "2026-11-14", "2026-11-21"),
        ({"preset": "90d"}, "2026-08-23", "2026-11-21"),
        ({"preset": "mtd"}, "2026-11-01", "2026-11-21"),
        ({"preset": "ytd"}, "2026-01-01", "2026-11-21"),
        ({"preset": "custom", "from": "2026-02-27", "to": "2026-03-01"}, "2026-02-27", "2026-03-02"),
    ],
)
def test_ranges_are_whole_days_in_utc(query: dict[str, str], start: str, end: str) -> None:
    question = read_question(query, periods=PERIODS, now=NOW)
    assert (question.start, question.end, question.error) == (at(start), at(end), "")


def test_without_a_billing_period_the_last_thirty_days_are_shown() -> None:
    question = read_question({"preset": "current"}, periods=Periods(), now=NOW)
    assert (question.start, question.end) == (at("2026-10-22"), at("2026-11-21"))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"preset": "ytd", "step": "hour"}, "at most 16 days"),
        ({"preset": "custom", "from": "2024-01-01", "to": "2026-01-01"}, "at most 400 days"),
        ({"preset": "custom", "from": "2026-11-09", "to": "2026-11-01"}, "must not be before"),
        ({"preset": "custom", "from": "9 Nov", "to": "2026-11-01"}, "as a date"),
        ({"preset": "custom", "from": "0001-01-01", "to": "0001-01-02"}, "out of range"),
        ({"preset": "custom"}, "as a date"),
        ({"preset": "fortnight"}, "not known"),
        ({"step": "second"}, "days or hours"),
    ],
)
def test_what_cannot_be_drawn_falls_back_and_says_why(query: dict[str, str], reason: str) -> None:
    question = read_question(query, periods=PERIODS, now=NOW)
    assert reason in question.error
    assert (question.start, question.end, question.step) == (at("2026-11-01"), at("2026-12-01"), "day")


def test_a_question_survives_its_own_query_string() -> None:
    asked = {"preset": "custom", "from": "2026-11-01", "to": "2026-11-09", "step": "hour", "by": "model"}
    question = read_question(asked, periods=PERIODS, now=NOW)
    assert read_question(dict(parse_qsl(question.query)), periods=PERIODS, now=NOW) == question


def test_an_unknown_product_means_spend() -> None:
    assert read_question({"show": "'; drop table"}, periods=PERIODS, now=NOW).show == ""
