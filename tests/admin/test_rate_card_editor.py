"""The rate-card editor: what it shows is what is so, a check writes nothing, a confirmation writes once."""

import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.models import CreditType, Rate
from catalog.rate_sheet import Book, guarded, read_sheet, unguarded
from catalog.services import metrics, products, rate_cards, rates
from contracts.api.edits import teller
from contracts.services import NewOverride, edit_contract
from core.models import AuditEntry, OutboxEvent
from engine.timeline import Span, later_wins, lay_over
from invoices.models import InvoiceListing
from tests.admin.world import World, bring_up_to_date, sign_up

HEAD = "product\tprice\tstarting_at\n"


@dataclass(frozen=True)
class Editor:
    """The editor's page of one card."""

    client: Client
    card: UUID

    @property
    def url(self) -> str:
        return reverse("admin:catalog_ratecard_add_rates", args=[self.card])

    def paste(self, text: str) -> HttpResponse:
        return self.client.post(self.url, {"action": "check-sheet", "text": text})

    def upload(self, raw: bytes) -> HttpResponse:
        return self.client.post(self.url, {"action": "check-sheet", "file": SimpleUploadedFile("rates.csv", raw)})

    def table(self, *rows: dict[str, str]) -> HttpResponse:
        data: dict[str, object] = {"action": "check", "row": [f"r{n}" for n in range(len(rows))]}
        for n, row in enumerate(rows):
            data |= {f"r{n}-{name}": value for name, value in row.items()}
        return self.client.post(self.url, data)

    def confirm(self, checked: HttpResponse, reason: str = "Price list of April", **changed: str) -> HttpResponse:
        data = {
            "action": "save",
            "sheet": checked.context["sheet"],
            "after_sequence": str(checked.context["plan"].last_sequence),
            "reason": reason,
        }
        return self.client.post(self.url, data | changed)


@pytest.fixture
def editor(world: World, finance: Client) -> Editor:
    return Editor(finance, world.card)


@pytest.fixture
def regional(world: World) -> UUID:
    """A product priced by region."""
    rules = [{"name": name, "exists": True} for name in ("gb", "region")]
    metric = metrics.create_metric(
        name="Stored", aggregation_type="SUM", aggregation_key="gb", property_filters=rules,
        group_keys=[["region"]], now=world.since,
    )  # fmt: skip
    fields = {"name": "Storage", "billable_metric_id": str(metric.pk), "pricing_group_key": ["region"]}
    return products.create_product(product_type="USAGE", fields=fields, now=world.since).pk


def text_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def stored() -> tuple[int, int, int]:
    return Rate.objects.count(), AuditEntry.objects.count(), OutboxEvent.objects.count()


def said(answer: HttpResponse) -> list[tuple[int, str, str]]:
    return [(error.row, error.column, error.message) for error in answer.context["errors"]]


# --- roles -----------------------------------------------------------------------------------------------------------


def test_finance_edits_and_support_reads(world: World, finance: Client, support: Client, owner: Client) -> None:
    names = ("catalog_ratecard_add_rates", "catalog_ratecard_rates", "catalog_ratecard_compare")
    add, export, compare = (reverse(f"admin:{name}", args=[world.card]) for name in names)
    page = reverse("admin:catalog_ratecard_change", args=[world.card])
    for client, may_add in ((finance, 200), (owner, 200), (support, 403)):
        got = [client.get(url).status_code for url in (add, export, compare, page)]
        assert got == [may_add, 200, 200, 200]
        assert (add in client.get(page).content.decode()) == (may_add == 200)
    before = stored()
    data = {"action": "save", "sheet": "product,price,starting_at\nTokens,1,2026-04-01", "after_sequence": "1"}
    assert support.post(add, data | {"reason": "x"}).status_code == 403
    assert stored() == before
    assert {Client().get(url).status_code for url in (add, export, compare)} == {302}


def test_unknown_cards_are_not_found(world: World, finance: Client) -> None:
    for name in ("catalog_ratecard_add_rates", "catalog_ratecard_rates", "catalog_ratecard_compare"):
        assert finance.get(reverse(f"admin:{name}", args=[world.product])).status_code == 404


def test_an_archived_card_gets_no_rates(editor: Editor, world: World) -> None:
    rate_cards.archive_rate_card(rate_card_id=world.card, now=world.now)
    answer = editor.paste(HEAD + "Tokens\t1\t2026-04-01")
    assert answer["Location"] == reverse("admin:catalog_ratecard_change", args=[world.card])
    assert Rate.objects.count() == 1


# --- the check -------------------------------------------------------------------------------------------------------


def test_a_check_shows_the_effect_and_writes_nothing(editor: Editor, world: World) -> None:
    before, drafts = stored(), list(InvoiceListing.objects.order_by("pk").values())
    answer = editor.paste(HEAD + "Tokens\t1000 @ 0; rest @ 0.005\t2026-03-01")
    assert answer.status_code == 200
    effects = answer.context["effects"]
    [change] = effects.changes
    assert (change.starting_at, change.ending_before) == (datetime(2026, 3, 1, tzinfo=UTC), None)
    assert change.difference == "0 % to +100 %"
    assert change.retroactive
    assert [row.contract.pk for row in effects.contracts] == [world.contract]
    [draft] = effects.drafts
    assert (draft.repriced.period.pk, draft.repriced.before, draft.repriced.after) == (world.draft.pk, 125, 250)
    assert (effects.draft_count, effects.finalized) == (1, 0)
    page = text_of(answer)
    assert "Total then" in page
    assert "2.50 <small>USD" in page
    assert reverse("admin:contracts_contract_change", args=[world.contract]) in page
    assert (stored(), list(InvoiceListing.objects.order_by("pk").values())) == (before, drafts)


def test_what_is_previewed_is_what_happens(editor: Editor, world: World) -> None:
    checked = editor.paste(HEAD + "Tokens\t0.01\t2026-03-01 00:00")
    [draft] = checked.context["effects"].drafts
    editor.confirm(checked)
    shown = editor.client.get(reverse("admin:invoices_invoicelisting_change", args=[world.draft.pk]))
    assert draft.repriced.after == 1500
    assert "15.00 <small>USD" in text_of(shown)


def test_a_past_change_names_the_invoices_that_stay(editor: Editor) -> None:
    answer = editor.paste(HEAD + "Tokens\t0.5\t2026-01-01")
    assert answer.context["effects"].finalized == 2
    assert "finalized invoices never change" in text_of(answer)


def test_contracts_with_a_price_of_their_own_are_named(editor: Editor, world: World) -> None:
    sign_up(world.card, "Second", world.since)
    price = {"rate_type": "FLAT", "price": Decimal(1)}
    override = NewOverride(
        starting_at=world.since, type="OVERWRITE", product_id=world.product, overwrite_rate=price
    )  # fmt: skip
    edit_contract(
        contract_id=world.contract, customer_id=world.customer, add_overrides=[override], now=world.now,
        tell=teller({}, world.now),
    )  # fmt: skip
    bring_up_to_date(world.now)
    effects = editor.paste(HEAD + "Tokens\t0.5\t2026-03-01").context["effects"]
    assert [(row.contract.customer.name, row.wholly, row.shielded) for row in effects.contracts] == [
        ("Acme Robotics", True, "Tokens"),
        ("Second", False, ""),
    ]
    assert (effects.contract_count, effects.shielded_count) == (2, 1)
    by_customer = {row.repriced.period.customer.name: row.repriced.differs for row in effects.drafts}
    assert by_customer == {"Acme Robotics": False, "Second": False}


def test_ended_contracts_are_not_reached(editor: Editor, world: World) -> None:
    sign_up(rate_cards.create_rate_card(name="Another", now=world.since).pk, "Elsewhere", world.since)
    effects = editor.paste(HEAD + "Tokens\t0.5\t2026-04-01").context["effects"]
    assert [row.contract.pk for row in effects.contracts] == [world.contract]
    assert (effects.draft_count, effects.finalized) == (0, 0)


def test_the_check_costs_as_much_with_more_contracts_and_rates(editor: Editor, world: World) -> None:
    def queries(text: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert editor.paste(text).status_code == 200
        return len(found)

    days = [f"Tokens\t0.{n}\t2026-04-{n:02}" for n in range(1, 29)]
    few = queries(HEAD + days[0])
    for n in range(4):
        sign_up(world.card, f"More {n}", world.since)
    assert queries(HEAD + "\n".join(days)) == few <= 30
    bring_up_to_date(world.now)
    many = queries(HEAD + "Tokens\t0.5\t2026-03-01")
    assert many <= few + 5 * 16  # two compositions of each of the five drafts


# --- three ways in, one parser ---------------------------------------------------------------------------------------


def test_table_paste_and_file_say_the_same(editor: Editor, world: World, regional: UUID) -> None:
    cells = [
        ["product", "group.region", "rate_type", "price", "starting_at", "ending_before", "entitled"],
        ["Storage", "eu", "FLAT", "0.25", "2026-04-01", "2026-05-01 06:00", "yes"],
        ["storage", "us", "PACKAGE", "5 per 100", "2026-04-01", "", "no"],
        ["Tokens", "", "TIERED", "5 @ 0; 5 @ 1; rest @ 1.50", "2026-04-01T00:00", "", ""],
    ]
    typed = [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]
    for row in typed:
        row["product_id"] = str(world.product if row.pop("product") == "Tokens" else regional)
    quoted = io.StringIO()
    csv.writer(quoted).writerows(cells)
    answers = [
        editor.table(*typed),
        editor.paste("\n".join("\t".join(row) for row in cells)),
        editor.paste("\n".join("|".join(row).replace(";", " ;").replace("|", "\t") for row in cells)),
        editor.upload(quoted.getvalue().encode()),
        editor.upload(quoted.getvalue().encode("utf-8-sig").replace(b"\r\n", b"\n")),
        editor.upload(("\ufeff" + quoted.getvalue()).encode("utf-16-le")),
    ]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({repr(answer.context["plan"].rates) for answer in answers}) == 1
    eu, us, tokens = answers[0].context["plan"].rates
    assert (eu.price, eu.pricing_group_values, eu.ending_before) == (
        25, {"region": "eu"}, datetime(2026, 5, 1, 6, tzinfo=UTC),
    )  # fmt: skip
    assert (us.price, us.package_size, us.entitled) == (500, 100, False)
    assert tokens.tiers == ((5, 0), (5, 100), (None, 150))


def test_types_are_told_from_how_prices_read(editor: Editor) -> None:
    rows = ["Tokens\t0.25\t2026-04-01", "Tokens\t10 @ 0; rest @ 1\t2026-05-01", "Tokens\t2 per 10\t2026-06-01"]
    plan = editor.paste(HEAD + "\n".join(rows)).context["plan"]
    assert [rate.rate_type for rate in plan.rates] == ["FLAT", "TIERED", "PACKAGE"]


def test_a_row_of_the_table_fits_its_product(editor: Editor, regional: UUID, world: World) -> None:
    data = {"action": "refresh", "row": "r0", "r0-product_id": str(regional), "r0-price": "0.25"}
    page = text_of(editor.client.post(editor.url, data))
    assert 'name="r0-group.region"' in page
    assert 'value="0.25"' in page
    page = text_of(editor.client.post(editor.url, data | {"action": "more", "r0-product_id": str(world.product)}))
    assert 'name="r0-group.region"' not in page
    assert page.count('name="row"') == 2
    page = text_of(editor.client.post(editor.url, data | {"action": "remove:r0"}))
    assert 'value="r0"' not in page


def test_what_was_checked_can_be_changed(editor: Editor) -> None:
    checked = editor.paste(HEAD + "Tokens\t0.25\t2026-04-01")
    again = editor.client.post(editor.url, {"action": "change", "sheet": checked.context["sheet"]})
    assert again.context["text"] == checked.context["sheet"]
    assert repr(editor.paste(again.context["text"]).context["plan"].rates) == repr(checked.context["plan"].rates)


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("Toekns\t1\t2026-04-01", "product", "no product is called"),
        ("\t1\t2026-04-01", "product", "is missing"),
        ("Tokens\t-1\t2026-04-01", "price", "0 or more"),
        ("Tokens\tNaN\t2026-04-01", "price", "not a plain number"),
        ("Tokens\tInfinity\t2026-04-01", "price", "not a plain number"),
        ("Tokens\t1e5\t2026-04-01", "price", "not a plain number"),
        ("Tokens\t1,250\t2026-04-01", "price", "with a point"),
        ("Tokens\t\t2026-04-01", "price", "is missing"),
        ("Tokens\t5 @ 0; 5 @ 1\t2026-04-01", "price", "no size"),
        ("Tokens\trest @ 0; 5 @ 1\t2026-04-01", "price", "last tier"),
        ("Tokens\t5 @ x; rest @ 1\t2026-04-01", "price", "tier 1"),
        ("Tokens\t0 @ 1; rest @ 1\t2026-04-01", "price", "above 0"),
        ("Tokens\t" + "; ".join(["1 @ 1"] * 300) + "\t2026-04-01", "price", "200 tiers"),
        ("Tokens\t" + "9" * 46 + "\t2026-04-01", "price", "not a plain number"),
        ("Tokens\t" + "9" * 45 + "\t2026-04-01", "price", ""),
        ("Tokens\t10 %\t2026-04-01", "rate_type", "USAGE product has rates of type"),
        ("Tokens\t1\t", "starting_at", "is missing"),
        ("Tokens\t1\t2026-04-01 10:30", "starting_at", "on the hour"),
        ("Tokens\t1\t1/4/2026", "starting_at", "write 2026-01-31"),
        ("Tokens\t1\t2026-13-01", "starting_at", "write 2026-01-31"),
        ("Tokens\t1\t0001-01-01", "starting_at", "write 2026-01-31"),
    ],
)
def test_a_wrong_row_is_named_with_its_column(row: str, column: str, message: str, editor: Editor) -> None:
    before = stored()
    answer = editor.paste(f"{HEAD}Tokens\t1\t2026-05-01\n{row}\nTokens\t2\t2026-06-01")
    assert answer.status_code == 400
    [(number, at, why)] = said(answer)
    assert (number, at) == (3, column)
    assert message in why
    assert f"Row 3, {column}" in text_of(answer)
    assert stored() == before


@pytest.mark.parametrize(
    ("extra", "cell", "column"),
    [
        ("ending_before", "2026-03-01", "ending_before"),
        ("rate_type", "CUSTOM", "price"),
        ("rate_type", "cheap", "rate_type"),
        ("entitled", "perhaps", "entitled"),
        ("unit", "EUR", "unit"),
        ("minimum", "5", "minimum"),
        ("billing_frequency", "DAILY", "billing_frequency"),
        ("billing_frequency", "MONTHLY", "billing_frequency"),
        ("group.region", "eu", "group"),
        ("group.region", "e" * 501, "group.region"),
        ("commit_rate", "FLAT x", "commit_rate"),
        ("commit_rate", "PERCENTAGE 10 %", "commit_rate"),
        ("product_id", "nonsense", "product_id"),
        ("quantity", "-3", "quantity"),
        ("prorated", "yes", "prorated"),
    ],
)
def test_every_column_is_checked(extra: str, cell: str, column: str, editor: Editor) -> None:
    answer = editor.paste(f"product\tprice\tstarting_at\t{extra}\nTokens\t1\t2026-04-01\t{cell}")
    assert answer.status_code == 400
    assert column in {at for _, at, _ in said(answer)}
    assert Rate.objects.count() == 1


def test_a_product_priced_by_region_needs_one(editor: Editor, regional: UUID) -> None:
    [(row, column, message)] = said(editor.paste(HEAD + "Storage\t1\t2026-04-01"))
    assert (row, column) == (2, "group")
    assert "region" in message
    [(row, column, message)] = said(
        editor.table({"product_id": str(regional), "price": "1", "starting_at": "2026-04-01T00:00"})
    )
    assert (row, column) == (1, "group")


def test_products_of_one_name_need_their_id(editor: Editor, world: World, regional: UUID) -> None:
    metric = metrics.create_metric(name="Calls", aggregation_type="COUNT", now=world.since)
    fields = {"name": "tokens", "billable_metric_id": str(metric.pk)}
    twin = products.create_product(product_type="USAGE", fields=fields, now=world.since).pk
    assert "several products" in said(editor.paste(HEAD + "Tokens\t1\t2026-04-01"))[0][2]
    answer = editor.paste(f"product_id\tprice\tstarting_at\n{twin}\t1\t2026-04-01")
    assert [rate.product_id for rate in answer.context["plan"].rates] == [twin]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\n",
        "hello",
        "product\tprice\tstarting_at",
        "product\tprice\nTokens\t1",
        "product\tprice\tstarting_at\tcolour\nTokens\t1\t2026-04-01\tred",
        "product\tprice\tprice\tstarting_at\nTokens\t1\t1\t2026-04-01",
        "product\tprice\tstarting_at\tgroup.\nTokens\t1\t2026-04-01\tx",
        "product,price,starting_at\nTokens,1,2026-04-01,more",
        'product,price,starting_at\n"Tokens,1,2026-04-01',
        "product\tprice\tstarting_at\nTok\x00ens\t1\t2026-04-01",
        "\x00\x01\x02",
        "\u202eproduct\tprice",
        HEAD + "\n".join(f"Tokens\t{n}\t2026-04-01" for n in range(10_000)),
        "x" * 1_000_001,
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_is_no_table_is_refused(text: str, editor: Editor) -> None:
    before = stored()
    assert editor.paste(text).status_code == 400
    assert editor.upload(text.encode()).status_code == 400
    assert stored() == before


@pytest.mark.parametrize("raw", [b"\xff\xd8\xff\xe0JFIF", b"\xff\xfe\x00", b"\x80" * 100, b"PK\x03\x04" + bytes(200)])
def test_files_that_are_no_text_are_refused(raw: bytes, editor: Editor) -> None:
    assert editor.upload(raw).status_code == 400
    assert Rate.objects.count() == 1


def test_box_and_file_at_once_are_refused(editor: Editor) -> None:
    data = {"action": "check-sheet", "text": HEAD, "file": SimpleUploadedFile("a.csv", HEAD.encode())}
    assert "at once" in said(editor.client.post(editor.url, data))[0][2]


@settings(max_examples=60)
@given(text=st.text(max_size=200), cell=st.text(max_size=30))
def test_reading_never_breaks(text: str, cell: str) -> None:
    book = Book({}, [CreditType(name="USD (cents)", code="USD", minor_digits=2)])
    assert not read_sheet(text, book).rows
    header = "product\tprice\tstarting_at\tentitled\tquantity"
    assert not read_sheet(f'{header}\n"{cell}"\t{cell}\t{cell}\t{cell}\t{cell}', book).rows


@given(text=st.text(max_size=20))
def test_guarding_is_undone(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_strange_posts_are_no_crash(editor: Editor) -> None:
    before = stored()
    strange: list[dict[str, object]] = [
        {"action": "check"},
        {"action": "check", "row": ["x" * 500, "", "a b"], "-price": "1"},
        {"action": "check", "row": "r", "r-product_id": "zz", "r-price": "1", "r-starting_at": "soon"},
        {"action": "save"},
        {"action": "save", "sheet": HEAD + "Tokens\t1\t2026-04-01", "after_sequence": "٣", "reason": "x"},
        {"action": "save", "sheet": HEAD + "Tokens\t1\t2026-04-01", "after_sequence": "9" * 30, "reason": "x"},
        {"action": "save", "sheet": "rubbish", "after_sequence": "1", "reason": "x"},
    ]
    assert [editor.client.post(editor.url, data).status_code for data in strange] == [400] * len(strange)
    assert editor.client.post(editor.url, {"action": "dance"}).status_code == 200
    assert editor.client.put(editor.url).status_code == 405
    assert stored() == before


# --- the confirmation ------------------------------------------------------------------------------------------------


def test_a_confirmation_adds_once_and_says_why(editor: Editor, world: World) -> None:
    checked = editor.paste(HEAD + "Tokens\t0.5\t2026-04-01\nTokens\t0.6\t2026-05-01")
    assert editor.confirm(checked, reason="  ").status_code == 400
    assert Rate.objects.count() == 1

    answer = editor.confirm(checked)
    assert answer["Location"] == reverse("admin:catalog_ratecard_change", args=[world.card])
    entry = AuditEntry.objects.get(action="rate_card.add_rates", user__isnull=False)
    assert (entry.user.username, entry.reason, entry.subject_id) == ("a-finance", "Price list of April", world.card)
    assert len(entry.detail["rates"]) == 2
    assert [rate.price for rate in Rate.objects.order_by("sequence")[1:]] == [50, 60]
    page = text_of(editor.client.get(answer["Location"]))
    assert "2 rates are added to Price list." in page
    assert "Price list of April" in page


def test_a_second_click_adds_nothing(editor: Editor) -> None:
    checked = editor.paste(HEAD + "Tokens\t0.5\t2026-04-01")
    assert [editor.confirm(checked).status_code for _ in range(3)] == [302, 302, 302]
    assert Rate.objects.count() == 2
    assert AuditEntry.objects.filter(reason="Price list of April").count() == 1
    page = editor.client.get(reverse("admin:catalog_ratecard_change", args=[editor.card]))
    assert "nothing was added twice" in page.content.decode()


def test_rates_added_meanwhile_are_shown_first(editor: Editor, world: World) -> None:
    checked = editor.paste(HEAD + "Tokens\t0.5\t2026-04-01")
    other = rates.NewRate(world.product, world.now.replace(minute=0), entitled=True, rate_type="FLAT", price=Decimal(7))
    rates.add_rates(rate_card_id=world.card, rates=[other], now=world.now)
    answer = editor.confirm(checked)
    assert answer.status_code == 400
    assert "has got other rates since" in answer.content.decode()
    assert Rate.objects.count() == 2
    assert editor.confirm(answer).status_code == 302
    assert Rate.objects.count() == 3


def test_a_tampered_sheet_is_all_or_nothing(editor: Editor) -> None:
    checked = editor.paste(HEAD + "Tokens\t0.5\t2026-04-01")
    sheet = HEAD + "Tokens\t0.5\t2026-04-01\nTokens\t-1\t2026-04-01"
    assert editor.confirm(checked, sheet=sheet).status_code == 400
    assert Rate.objects.count() == 1


# --- the file --------------------------------------------------------------------------------------------------------


def test_an_export_read_back_changes_nothing(editor: Editor, world: World, regional: UUID) -> None:
    sheet = (
        "product\tgroup.region\trate_type\tprice\tstarting_at\tending_before\tentitled\tcommit_rate\n"
        "Storage\teu\tFLAT\t0.000025\t2026-04-01\t2026-05-01\tyes\t\n"
        "Storage\t=cmd|'/c calc'!A1\tFLAT\t0.25\t2026-04-01\t\tno\tFLAT 0.2\n"
        'Storage\t"""  eu """\tVOLUME\t100 @ 2; rest @ 1.999\t2026-04-01\t\tyes\tTIERED 5 @ 1; rest @ 0.5\n'
        "Storage\teu\tPACKAGE\t5 per 100\t2026-04-10\t2026-04-20 07:00\tyes\t\n"
        "Tokens\t\tTIERED\t5 @ 0; 5 @ 1.005; rest @ 1.5\t2026-01-15 03:00\t\tyes\t\n"
    )
    checked = editor.paste(sheet)
    assert checked.status_code == 200, said(checked)
    editor.confirm(checked)
    values = {rate.pricing_group_values.get("region") for rate in Rate.objects.all()}
    assert values == {None, "eu", "=cmd|'/c calc'!A1", "  eu "}
    url = reverse("admin:catalog_ratecard_rates", args=[world.card])
    answer = editor.client.get(url)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 1 + 7  # the package splits a price in two, a later start ends the first one
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    back = editor.upload(answer.content)
    assert (back.status_code, back.context["effects"], back.context["plan"].unchanged) == (200, None, 7)
    assert "Nothing would change" in text_of(back)

    archived = answer.content.decode().replace("0.000025", "0.00003")
    changed = editor.upload(archived.encode()).context
    assert changed["plan"].unchanged == 5
    assert {row.difference for row in changed["effects"].changes} == {"+20 %"}


def test_archived_products_do_not_spoil_the_round_trip(editor: Editor, world: World) -> None:
    exported = editor.client.get(reverse("admin:catalog_ratecard_rates", args=[world.card])).content
    products.archive_product(product_id=world.product, now=world.now)
    assert editor.upload(exported).context["plan"].unchanged == 1
    assert "archived" in said(editor.upload(exported.replace(b"0.0025", b"0.003")))[0][2]


# --- what the card's page shows --------------------------------------------------------------------------------------


def test_the_page_shows_now_next_and_what_is_covered(editor: Editor, world: World) -> None:
    rows = ["0.5\t2026-04-01\t2026-06-01", "0.4\t2026-05-01\t2026-07-01", "0.3\t2026-05-01\t2026-07-01"]
    sheet = "product\tprice\tstarting_at\tending_before\n" + "\n".join(f"Tokens\t{row}" for row in rows)
    editor.confirm(editor.paste(sheet))
    answer = editor.client.get(reverse("admin:catalog_ratecard_change", args=[world.card]))
    [product] = answer.context["prices"].products
    [line] = product.lines
    assert [bar.kind for bar in line.bars] == ["now", "next", "next", "next"]
    assert line.next_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert [entry.state for entry in line.entries] == ["now", "next", "covered", "next"]
    assert [entry.whole for entry in line.entries] == [False, False, False, True]
    assert len(line.covered) == 3
    page = text_of(answer)
    assert "0.50 <small>USD" in page
    assert "never: later ones cover it" in page
    assert "0.30 1 May 2026 until 1 Jul 2026" in page
    widths = [Decimal(bar.x.rstrip("%")) + Decimal(bar.width.rstrip("%")) for bar in line.bars]
    assert max(widths) <= Decimal("100.001")


def test_prices_are_found(editor: Editor, world: World, regional: UUID) -> None:
    sheet = "product\tgroup.region\tprice\tstarting_at\nStorage\teu\t1\t2026-04-01\nStorage\tus\t2\t2026-04-01"
    editor.confirm(editor.paste(sheet))
    url = reverse("admin:catalog_ratecard_change", args=[world.card])
    found = [editor.client.get(url, {"find": find}).context["prices"].shown for find in ("", "storage", "us stor", "x")]
    assert found == [3, 2, 1, 0]


def test_the_page_costs_as_much_with_more_prices(editor: Editor, world: World, regional: UUID) -> None:
    url = reverse("admin:catalog_ratecard_change", args=[world.card])

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert editor.client.get(url).status_code == 200
        return len(found)

    few = queries()
    rows = [f"Storage\tr{n}\t{n}\t2026-04-01" for n in range(150)]
    editor.confirm(editor.paste("product\tgroup.region\tprice\tstarting_at\n" + "\n".join(rows)))
    assert queries() <= few + 1  # the message
    assert queries() == few <= 20
    assert editor.client.get(url).context["prices"].hidden == 51


@given(
    windows=st.lists(st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(1, 20))), min_size=1, max_size=8)
)
def test_laying_over_is_what_later_wins_says(windows: list[tuple[int, int | None]]) -> None:
    def at(hours: int) -> datetime:
        return datetime(2026, 1, 1 + hours // 24, hours % 24, tzinfo=UTC)

    spans = [
        Span(n, at(start), None if length is None else at(start + length), n)
        for n, (start, length) in enumerate(windows)
    ]
    parts: list[Span[int]] = []
    for span in spans:
        parts = lay_over(parts, span)
    assert parts == later_wins(spans)


# --- two cards -------------------------------------------------------------------------------------------------------


@pytest.fixture
def other_card(world: World, regional: UUID) -> UUID:
    """A card with tokens 20 % dearer from the second tier on, and storage only in the EU."""
    card = rate_cards.create_rate_card(name="=Partners", now=world.since).pk
    tiers = ((Decimal(1000), Decimal(0)), (None, Decimal("0.3")))
    made = [
        rates.NewRate(world.product, world.since, entitled=True, rate_type="TIERED", tiers=tiers),
        rates.NewRate(
            regional, world.since, entitled=True, rate_type="FLAT", price=Decimal(9),
            pricing_group_values={"region": "eu"}
        ),
    ]  # fmt: skip
    rates.add_rates(rate_card_id=card, rates=made, now=world.now)
    return card


def test_two_cards_are_compared(editor: Editor, world: World, other_card: UUID) -> None:
    url = reverse("admin:catalog_ratecard_compare", args=[world.card])
    assert editor.client.get(url).context["rows"] is None
    answer = editor.client.get(url, {"other": other_card, "at": "2026-03-20T12:00"})
    got = [(row.product_name, row.values, row.difference) for row in answer.context["rows"]]
    assert got == [("Storage", "region eu", "only on =Partners"), ("Tokens", "", "0 % to +20 %")]
    before = editor.client.get(url, {"other": other_card, "at": "2025-01-01"})
    assert before.context["rows"] == []
    turned = editor.client.get(
        reverse("admin:catalog_ratecard_compare", args=[other_card]), {"other": world.card, "only": "on"}
    )
    assert turned.context["rows"][0].difference == "only on =Partners"


def test_equal_prices_are_left_out_when_asked(editor: Editor, world: World, other_card: UUID) -> None:
    sheet = "product\tprice\tstarting_at\nTokens\t1000 @ 0; rest @ 0.003\t2026-01-01"
    editor.confirm(editor.paste(sheet))
    url = reverse("admin:catalog_ratecard_compare", args=[world.card])
    every = editor.client.get(url, {"other": other_card}).context
    only = editor.client.get(url, {"other": other_card, "only": "on"}).context
    assert [row.difference for row in every["rows"]] == ["only on =Partners", "same"]
    assert [row.difference for row in only["rows"]] == ["only on =Partners"]
    assert only["same"] == 1


def test_the_comparison_is_a_safe_file(editor: Editor, world: World, other_card: UUID) -> None:
    url = reverse("admin:catalog_ratecard_compare", args=[world.card])
    answer = editor.client.get(url, {"other": other_card, "format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][5] == "'=Partners"
    assert rows[2][3:7] == ["1000 @ 0; rest @ 0.0025", "USD", "1000 @ 0; rest @ 0.003", "USD"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("query", [{"other": "x"}, {"other": ""}, {"other": "SELF"}, {"at": "soon", "other": "SELF"}])
def test_comparisons_that_cannot_be_are_refused(query: dict[str, str], editor: Editor, world: World) -> None:
    asked = {key: str(world.card) if value == "SELF" else value for key, value in query.items()}
    answer = editor.client.get(reverse("admin:catalog_ratecard_compare", args=[world.card]), asked)
    assert answer.status_code == 400
