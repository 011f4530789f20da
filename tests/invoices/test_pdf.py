"""The PDF of an invoice: what it says (the data handed to typst), and that typst sets it whatever the names are."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from billing.types import CurrencyView, InvoiceView, LineView, Party
from engine.balances import AccessType, BalanceKind
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.explanation import AppliedExplanation, CompositeExplanation, PayingBalance, TierReached
from engine.money import Currency, rounded
from engine.money import total as sum_of
from engine.overrides import RateTarget
from engine.prices import Percentage
from invoices.pdf import render_invoice
from invoices.pdf.document import invoice_document
from invoices.selectors.document import with_document
from tests.presentation.lines import pricing, usage

NAMESPACE = UUID("6f1c52a5-23f5-4a0e-a6a1-b1f3a3a4c1d7")
START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
ISSUED = datetime(2026, 11, 2, 0, 0, 3, tzinfo=UTC)
USD = CurrencyView(NAMESPACE, "USD (cents)", "USD", places=0, minor_digits=2)
EUR = CurrencyView(NAMESPACE, "EUR", "EUR", places=2, minor_digits=0)
SELLER = Party("Tactus Demo Inc.", ("1 Example Street", "Springfield"), "billing@example.com", ("US 12-3456789",))
ACME = Party("Acme Robotics GmbH")
HOSTILE = '#import "@preview/x:1.0.0": * \\ #panic("x") #read("/etc/passwd") *b* _i_ $x^2$ `r` <l> @ref // /* [x] = h'
FIRST_TIER = TierReached(0, Decimal(0), Decimal(1000), Decimal(0), Decimal(1500))
LAST_TIER = TierReached(1, Decimal(1000), None, Decimal(0), Decimal(1500))


def line(name: str, quantity: str, unit_price: str, *, tier: TierReached | None = None, **changes: Any) -> LineView:
    made = LineView(
        id=uuid5(NAMESPACE, "line"),
        type="usage",
        product_id=uuid5(NAMESPACE, repr(name)),
        name=name,
        quantity=Decimal(quantity),
        unit_price=Decimal(unit_price),
        total=Decimal(quantity) * Decimal(unit_price),
        starting_at=START,
        ending_before=END,
        pricing_group_values={},
        presentation_group_values={},
        tier=None,
        explained=usage(quantity, unit_price, tier=tier),
    )
    return replace(made, **changes)


def invoice(lines: Sequence[LineView], currency: CurrencyView = USD, **changes: Any) -> InvoiceView:
    subtotal = sum_of(line.total for line in lines)
    result = rounded(subtotal, Currency(currency.code, currency.places))
    made = InvoiceView(
        id=NAMESPACE,
        customer_id=NAMESPACE,
        seller=SELLER,
        buyer=ACME,
        contract_id=NAMESPACE,
        contract_name="Scale plan",
        type="USAGE",
        status="FINALIZED",
        number="TA-2026-0192",
        period_start=START,
        period_end=END,
        due_at=END + timedelta(hours=24),
        issued_at=ISSUED,
        voided_at=None,
        document_date=ISSUED.date(),
        due_date=ISSUED.date() + timedelta(days=30),
        net_payment_terms_days=30,
        currency=currency,
        lines=tuple(lines),
        subtotal=subtotal,
        rounding=result.rounding,
        total=result.total,
        unrated=(),
        regenerated_from_id=None,
        created_at=START,
        as_of=datetime(2026, 11, 20, tzinfo=UTC),
        custom_fields={},
        customer_custom_fields={},
        contract_custom_fields={},
    )
    return with_document(replace(made, **changes))


def draft(lines: Sequence[LineView], **changes: Any) -> InvoiceView:
    unissued = {"status": "DRAFT", "number": None, "issued_at": None, "document_date": None, "due_date": None}
    return invoice(lines, **unissued | {"as_of": datetime(2026, 10, 20, 14, 3, tzinfo=UTC)} | changes)


def said(row: dict[str, Any]) -> tuple[Any, ...]:
    """A row as a reader sees it: indentation, words, figures."""
    words = [row["name"], *(f"{key} {value}" for key, value in row["groups"]), row["detail"]]
    figures = [row[column] and row[column]["text"] for column in ("quantity", "unit_price", "amount")]
    return (row["level"], ", ".join(word for word in words if word), *figures)


def test_a_share_of_spend_is_no_quantity_at_a_unit_price() -> None:
    tenth = pricing(Decimal("25296.25"), Percentage(Decimal("0.1")), Decimal("0.1"))
    share = line("Support", "25296.25", "0.1", explained=CompositeExplanation(False, (), tenth))
    [row] = invoice_document(invoice([share]))["rows"]
    assert said(row) == (0, "Support, 10 % of 252.9625 USD", None, None, "25.30")


def test_a_plain_product_is_one_row_and_the_header_says_what_is_due() -> None:
    data = invoice_document(invoice([line("API calls", "12345", "2")]))
    assert [said(row) for row in data["rows"]] == [(0, "API calls", "12,345", "0.02", "246.90")]
    assert [said(row)[1::3] for row in data["sums"]] == [("Subtotal", "246.90"), ("Total", "246.90")]
    assert data["headline"] == {"label": "Total due", "figure": "246.90", "unit": "USD", "notes": ["by 2 Dec 2026"]}
    assert data["facts"] == [
        ("Invoice number", "TA-2026-0192"),
        ("Issued", "2 Nov 2026"),
        ("Period", "1–31 Oct 2026 (UTC)"),  # noqa: RUF001  # an en dash, as printed
        ("Payment due", "2 Dec 2026, net 30 days"),
    ]
    assert data["seller"]["lines"] == ["1 Example Street", "Springfield", "billing@example.com", "Tax ID US 12-3456789"]
    assert data["title"] == "Invoice TA-2026-0192"
    assert data["watermark"] is None


def test_tiers_stand_under_their_group_values_and_the_product_has_the_sum() -> None:
    west, east = {"pricing_group_values": {"region": "eu-west"}}, {"pricing_group_values": {"region": "us-east"}}
    lines = [
        line("Tokens", "1000", "0.2", tier=FIRST_TIER, **west),
        line("Tokens", "500", "0.15", tier=LAST_TIER, **west),
        line("Tokens", "20", "0.2", tier=FIRST_TIER, **east),
    ]
    assert [said(row) for row in invoice_document(invoice(lines))["rows"]] == [
        (0, "Tokens", None, None, "2.79"),
        (1, "region eu-west", None, None, None),
        (2, "Tier 1: first 1,000", "1,000", "0.002", "2.00"),
        (2, "Tier 2: over 1,000", "500", "0.0015", "0.75"),
        (1, "region us-east", None, None, None),
        (2, "Tier 1: first 1,000", "20", "0.002", "0.04"),
    ]


def test_group_values_with_one_line_each_and_rate_changes_are_named_in_place() -> None:
    middle = datetime(2026, 10, 15, tzinfo=UTC)
    lines = [
        line("Search", "3", "5", presentation_group_values={"team": "growth"}),
        line("Search", "1", "5", presentation_group_values={"team": None}),
        line("Storage", "2", "40", ending_before=middle),
        line("Storage", "2", "45", starting_at=middle),
    ]
    assert [said(row)[:2] for row in invoice_document(invoice(lines))["rows"]] == [
        (0, "Search"),
        (1, "team growth"),
        (1, "team none"),
        (0, "Storage"),
        (1, "1–14 Oct 2026"),  # noqa: RUF001
        (1, "15–31 Oct 2026"),  # noqa: RUF001
    ]


def test_amounts_are_whole_and_add_up_where_exact_ones_would_not() -> None:
    usd = invoice_document(invoice([line("Embeddings", "48120001", "0.000002"), line("Search", "1", "0.4")]))
    assert [said(row) for row in usd["rows"]] == [
        (0, "Embeddings", "48,120,001", "0.00000002", "0.96"),
        (0, "Search", "1", "0.004", "0.01"),  # the cent that is left of 0.9664
    ]
    assert [said(row)[1::3] for row in usd["sums"]] == [("Subtotal", "0.97"), ("Total", "0.97")]
    eur = invoice_document(invoice([line("Embeddings", "1", "12.345")], EUR))
    assert [said(row)[1::3] for row in eur["sums"]] == [("Subtotal", "12.35"), ("Total", "12.35")]
    assert eur["headline"]["unit"] == "EUR"
    assert "less than 0.01 EUR" in eur["notes"][0]


def test_a_product_comes_to_what_its_lines_say() -> None:
    parts = [line("Tokens", "1", "0.5", tier=tier) for tier in (FIRST_TIER, LAST_TIER)] + [line("Search", "1", "0.5")]
    assert [said(row)[1::3] for row in invoice_document(invoice(parts))["rows"]] == [
        ("Tokens", "0.01"),
        ("Tier 1: first 1,000", "0.00"),
        ("Tier 2: over 1,000", "0.01"),
        ("Search", "0.01"),
    ]  # 1.5 cents are 2, each line alone would be 1: the first gives one back


def test_what_does_not_count_is_told_and_not_added() -> None:
    credits_ = CurrencyView(NAMESPACE, "AI credits", "", places=0, minor_digits=0)
    commit = PayingBalance("b", "s", BalanceKind.POSTPAID, "", AccessType.SPEND, RateTarget.LIST_RATE)
    drawn = Decimal("100.2")
    paid = AppliedExplanation(commit, Decimal(1000), drawn, drawn)
    applied = {"type": "applied_commit_or_credit", "commit_type": "PostpaidCommit"}
    postpaid = applied | {"counted": False, "explained": paid, "total": -drawn}
    lines = [
        line("Tokens", "3", "33.4"),
        replace(line("Tokens", "1", "100.2"), quantity=None, unit_price=None, **postpaid),
        line("Images", "3", "0.125", unit=credits_, counted=False),
    ]
    data = invoice_document(invoice(lines, subtotal=Decimal("100.2")))
    assert [said(row)[1::3] for row in data["rows"]] == [
        ("Tokens", "1.00"),
        ("Images, in AI credits", "0.375"),
    ]
    assert [said(row)[1::3] for row in data["sums"]] == [("Subtotal", "1.00"), ("Total", "1.00")]
    assert data["towards"] == ["Counts towards a postpaid commit: 1.00 USD, 9.00 USD to go"]


def test_a_buyer_is_shown_as_far_as_known() -> None:
    buyer = Party("Acme", ("1 Way", ""), "pay@acme.test", ("DE123",))
    view = invoice([line("API calls", "1", "2")], buyer=buyer)
    assert invoice_document(view)["customer"]["lines"] == ["1 Way", "pay@acme.test", "Tax ID DE123"]
    assert render_invoice(view).startswith(b"%PDF-")


def test_figures_of_a_column_get_what_they_lack_to_align_on_the_point() -> None:
    rows = invoice_document(invoice([line("A", "1.25", "100"), line("B", "7", "100"), line("C", "1000", "1")]))
    quantities = [row["quantity"] for row in rows["rows"]]
    assert [(q["text"], q["missing_decimals"], q["missing_point"]) for q in quantities] == [
        ("1.25", 0, False),
        ("7", 2, True),
        ("1,000", 2, True),
    ]
    assert rows["widths"]["quantity"] == {"digits": 6, "points": 2}


def test_endless_decimals_are_cut_and_explained() -> None:
    data = invoice_document(invoice([line("Batch", "0.33333333333333333333", "100")]))
    assert data["rows"][0]["quantity"]["text"] == "0.33333333"
    assert data["rows"][0]["quantity"]["cut"]
    assert any("more decimals" in note for note in data["notes"])


def test_lines_without_usage_are_left_out_and_counted() -> None:
    data = invoice_document(invoice([line("API calls", "1", "2"), line("Idle", "0", "2")]))
    assert [row["name"] for row in data["rows"]] == ["API calls"]
    assert "1 line without usage left out." in data["notes"]
    empty = invoice_document(invoice([line("Idle", "0", "2")]))
    assert empty["rows"] == []
    assert empty["headline"]["notes"] == ["nothing to pay"]


def test_how_priced_units_come_about_is_noted_once_per_product() -> None:
    explained = usage(
        "1", "5", metric_name="output_tokens",
        conversion=QuantityConversion(Decimal(1000000), ConversionOperation.DIVIDE),
        rounding=QuantityRounding(RoundingMethod.ROUND_UP, 0),
    )  # fmt: skip
    lines = [line("Tokens", "1", "5", explained=explained), line("Tokens", "2", "5", explained=explained)]
    notes = [note for note in invoice_document(invoice(lines))["notes"] if note.startswith("Tokens")]
    words = (
        "the quantity is the metered quantity (output_tokens), divided by 1,000,000 and then rounded up to whole units"
    )
    assert notes == [f"Tokens: {words}."]


def test_a_draft_says_so_and_names_usage_without_a_price() -> None:
    unrated = {
        "name": "Rerank",
        "quantity": "1203",
        "reason": "no rate is in force",
        "pricing_group_values": {"r": "eu"},
    }
    data = invoice_document(draft([line("API calls", "1", "2")], unrated=(unrated,) * 14))
    assert data["watermark"] == "DRAFT"
    assert data["title"] == "Draft invoice"
    assert data["headline"]["label"] == "Total so far"
    assert data["headline"]["notes"] == ["as of 20 Oct 2026, 14:03 (UTC)", "final after 2 Nov 2026, 00:00 (UTC)"]
    assert data["unrated"]["more"] == 2
    assert data["unrated"]["rows"][0] == {
        "name": "Rerank",
        "groups": [("r", "eu")],
        "quantity": "1,203",
        "reason": "no rate is in force",
    }
    assert invoice_document(invoice([], unrated=(unrated,)))["unrated"] is None


def test_a_void_invoice_says_that_nothing_is_due() -> None:
    data = invoice_document(invoice([line("API calls", "1", "2")], status="VOID", voided_at=ISSUED))
    assert data["watermark"] == "VOID"
    assert data["title"] == "Invoice TA-2026-0192 (void)"
    assert data["headline"]["notes"] == ["nothing is due", "voided on 2 Nov 2026"]
    assert ("Payment terms", "net 30 days") in data["facts"]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC), "1 Oct 2026"),
        (datetime(2026, 10, 15, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC), "15 Oct - 14 Nov 2026"),
        (datetime(2026, 12, 15, tzinfo=UTC), datetime(2027, 1, 15, tzinfo=UTC), "15 Dec 2026 - 14 Jan 2027"),
        (datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC), "1-29 Feb 2024"),
        (
            datetime(2026, 10, 1, 6, tzinfo=UTC),
            datetime(2026, 10, 2, tzinfo=UTC),
            "1 Oct 2026, 06:00 - 2 Oct 2026, 00:00",
        ),
    ],
)
def test_periods_in_words_include_their_last_day(start: datetime, end: datetime, words: str) -> None:
    data = invoice_document(invoice([], period_start=start, period_end=end))
    assert dict(data["facts"])["Period"].replace("\N{EN DASH}", "-") == f"{words} (UTC)"


def test_names_travel_as_data_literally() -> None:
    lines = [line(HOSTILE, "1", "2", pricing_group_values={HOSTILE: HOSTILE})]
    view = invoice(lines, buyer=Party(HOSTILE), contract_name=HOSTILE)
    data = json.loads(json.dumps(invoice_document(view)))
    assert data["customer"] == {"name": HOSTILE, "lines": [], "contract": HOSTILE}
    assert data["rows"][0]["name"] == HOSTILE
    assert data["rows"][0]["groups"] == [[HOSTILE, HOSTILE]]
    # As markup, the name would fail to compile (#panic, the import); as text it also stands in the metadata.
    pdf = render_invoice(view)
    assert pdf.startswith(b"%PDF-")
    assert f"Invoice TA-2026-0192 for {HOSTILE}" in unescape(pdf.decode("latin-1"))


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
def test_what_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "invoice.pdf"
    file.write_bytes(render_invoice(invoice([line("API calls", "12345", "2")], buyer=Party(HOSTILE))))
    command = ["pdftotext", "-layout", str(file), "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    printed = " ".join(text.split())
    assert '#import "@preview/x:1.0.0": * \\ #panic("x")' in printed
    assert "API calls 12,345 0.02 246.90" in printed
    assert "Page 1 of 1" in printed


def test_same_invoice_same_bytes_in_another_process_and_at_another_time() -> None:
    view = invoice([line("API calls", "12345", "2"), line("Łódź Ὀδυσσεύς Київ", "1", "2")])
    here = render_invoice(view)
    assert render_invoice(replace(view, as_of=view.as_of + timedelta(days=9))) == here
    assert b"2026-11-02T00:00:00" in here
    with get_context("spawn").Pool(1) as elsewhere:
        assert elsewhere.apply(render_invoice, (view,)) == here


def test_it_is_accessible_and_archivable() -> None:
    pdf = render_invoice(invoice([line("API calls", "12345", "2")]))
    assert b"pdfuaid" in pdf
    assert b"pdfaid" in pdf
    assert b"/Lang" in pdf


def test_a_character_that_no_font_has_costs_the_standards_not_the_invoice() -> None:
    pdf = render_invoice(invoice([line("unassigned: \u0378", "1", "2")]))
    assert pdf.startswith(b"%PDF-")
    assert b"pdfuaid" not in pdf


@pytest.mark.parametrize(
    "name",
    [
        "شركة الاختبار",
        "株式会社テスト 🚀👩‍👩‍👧",
        "\u202egnp.exe \ufeff\u0000\u0007 a\nb",
        "half a pair: \ud800",
        "unassigned: \u0378, private: \ue000",
        "Z" * 300,
        "",
    ],
)
def test_any_name_can_be_set(name: str) -> None:
    view = invoice([line(name, "1", "2", pricing_group_values={name: name})], buyer=Party(name), contract_name=name)
    assert render_invoice(view).startswith(b"%PDF-")


@pytest.mark.parametrize("status", ["DRAFT", "VOID"])
def test_the_other_states_are_set_too(status: str) -> None:
    unrated = ({"name": "Rerank", "quantity": "1203", "reason": "no rate is in force"},)
    lines = [line("Tokens", "1000", "0.2", tier=FIRST_TIER), line("Tokens", "500", "0.15", tier=LAST_TIER)]
    view = draft(lines, unrated=unrated) if status == "DRAFT" else invoice(lines, status="VOID", voided_at=ISSUED)
    assert render_invoice(view).startswith(b"%PDF-")


def test_many_lines_over_many_pages() -> None:
    lines = [
        line(f"Product {index // 50}", str(index + 1), "0.5", pricing_group_values={"model": f"model-{index}"})
        for index in range(400)
    ]
    pdf = render_invoice(invoice(lines, EUR))
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type/Page/") > 8
