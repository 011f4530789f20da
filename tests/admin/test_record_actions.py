"""What staff may do: effects are named first, a reason is asked for, one service is called, the audit says who."""

import re
from datetime import UTC, datetime

from django.test import Client
from django.urls import reverse

from console.models import EmbedOrigin, EmbedSession
from console.services import create_embed_session
from contracts.models import Contract
from core.keys import find_live_key
from core.models import ApiKey, AuditEntry
from customers.models import Customer
from customers.services import create_customer
from invoices.models import InvoiceListing
from tests.admin.world import World


def act(name: str, key: object) -> str:
    return reverse(f"admin:{name}", args=[key])


def test_voiding_names_the_effect_asks_why_and_is_audited(world: World, finance: Client) -> None:
    final = world.final
    page = finance.get(act("invoices_invoicelisting_void", final.pk)).content.decode()
    assert f"{final.number} of Acme Robotics over 1.25 USD becomes void" in page

    assert finance.post(act("invoices_invoicelisting_void", final.pk), {"reason": "  "}).status_code == 400
    final.refresh_from_db()
    assert final.status == "FINALIZED"

    answer = finance.post(act("invoices_invoicelisting_void", final.pk), {"reason": "Wrong rate"}, follow=True)
    final.refresh_from_db()
    assert final.status == "VOID"
    assert "is void." in answer.content.decode()
    entry = AuditEntry.objects.get(action="invoice.void")
    assert (entry.user.username, entry.reason, entry.subject_id, entry.ip) == (
        "a-finance",
        "Wrong rate",
        final.pk,
        "127.0.0.1",
    )


def test_a_void_invoice_is_not_voided_again(world: World, finance: Client) -> None:
    url = act("invoices_invoicelisting_void", world.final.pk)
    finance.post(url, {"reason": "once"})
    assert "cannot be done" in finance.get(url).content.decode()
    assert finance.post(url, {"reason": "twice"}).status_code == 400
    assert AuditEntry.objects.filter(action="invoice.void").count() == 1


def test_regenerating_leads_to_the_new_invoice(world: World, finance: Client) -> None:
    old = world.final
    finance.post(act("invoices_invoicelisting_void", old.pk), {"reason": "Wrong rate"})
    answer = finance.post(act("invoices_invoicelisting_regenerate", old.pk), {"reason": "Rate corrected"})
    new = InvoiceListing.objects.get(regenerated_from=old)
    assert answer["Location"] == act("invoices_invoicelisting_change", new.pk)
    assert (new.status, new.total) == ("FINALIZED", old.total)
    assert AuditEntry.objects.get(action="invoice.regenerate").reason == "Rate corrected"


def test_a_living_invoice_is_not_regenerated(world: World, finance: Client) -> None:
    answer = finance.post(act("invoices_invoicelisting_regenerate", world.final.pk), {"reason": "Why not"})
    assert answer.status_code == 400
    assert "Only a void invoice can be regenerated" in answer.content.decode()


def test_a_contracts_end_is_shown_before_it_changes(world: World, finance: Client) -> None:
    url = act("contracts_contract_change_end", world.contract)
    data = {"ending_before": "2026-03-10T00:00", "keep_finalized": "on", "reason": "They leave"}
    page = finance.post(url, data).content.decode()
    assert "The end moves from open to 10 Mar 2026, 00:00 UTC." in page
    assert "1 draft is cut short there" in page
    assert Contract.objects.get(pk=world.contract).ending_before is None

    finance.post(url, data | {"confirmed": "1"})
    assert Contract.objects.get(pk=world.contract).ending_before == datetime(2026, 3, 10, tzinfo=UTC)
    assert world.draft.period_end == datetime(2026, 3, 10, tzinfo=UTC)
    assert AuditEntry.objects.get(action="contract.end_changed").user.username == "a-finance"


def test_an_end_before_a_finalized_invoice_is_refused_unless_wanted(world: World, finance: Client) -> None:
    url = act("contracts_contract_change_end", world.contract)
    data = {"ending_before": "2026-02-10T00:00", "confirmed": "1", "reason": "They leave"}
    refused = finance.post(url, data | {"keep_finalized": "on"})
    assert refused.status_code == 400
    assert "A finalized invoice ends after this" in refused.content.decode()
    assert Contract.objects.get(pk=world.contract).ending_before is None

    assert finance.post(url, data).status_code == 302
    assert Contract.objects.get(pk=world.contract).ending_before == datetime(2026, 2, 10, tzinfo=UTC)


def test_an_end_can_be_taken_away_again(world: World, finance: Client) -> None:
    url = act("contracts_contract_change_end", world.contract)
    finance.post(url, {"ending_before": "2026-03-10T00:00", "confirmed": "1", "reason": "They leave"})
    assert 'value="2026-03-10T00:00"' in finance.get(url).content.decode()
    finance.post(url, {"ending_before": "", "confirmed": "1", "reason": "They stay"})
    assert Contract.objects.get(pk=world.contract).ending_before is None


def test_ends_that_cannot_be_are_refused(world: World, finance: Client) -> None:
    url = act("contracts_contract_change_end", world.contract)
    ends = ("2026-03-10T00:30", "yesterday", "9999-12-31T00:00", "2026-13-01T00:00", "0001-01-01T00:00")
    answers = {
        end: finance.post(url, {"ending_before": end, "confirmed": "1", "reason": "x"}).status_code for end in ends
    }
    assert answers == dict.fromkeys(ends, 400)
    assert Contract.objects.get(pk=world.contract).ending_before is None


def test_archiving_a_contract_keeps_invoices_unless_asked(world: World, finance: Client) -> None:
    finance.post(act("contracts_contract_archive", world.contract), {"reason": "Made by mistake"})
    assert Contract.objects.get(pk=world.contract).archived_at == world.now
    assert set(InvoiceListing.objects.values_list("status", flat=True)) == {"FINALIZED"}


def test_archiving_a_contract_voids_when_asked(world: World, finance: Client) -> None:
    finance.post(
        act("contracts_contract_archive", world.contract), {"void_invoices": "on", "reason": "Made by mistake"}
    )
    assert set(InvoiceListing.objects.values_list("status", flat=True)) == {"VOID"}


def test_renaming(world: World, support: Client) -> None:
    support.post(act("customers_customer_rename", world.customer), {"name": "Acme <b>AG</b>"})
    assert Customer.objects.get(pk=world.customer).name == "Acme <b>AG</b>"
    page = support.get(act("customers_customer_change", world.customer)).content.decode()
    assert "<b>AG</b>" not in page
    assert "Acme &lt;b&gt;AG&lt;/b&gt;" in page
    assert support.post(act("customers_customer_rename", world.customer), {"name": ""}).status_code == 400


def test_aliases_are_replaced_as_a_set(world: World, support: Client) -> None:
    url = act("customers_customer_aliases", world.customer)
    assert re.search(r">\s*acme</textarea>", support.get(url).content.decode())
    support.post(url, {"ingest_aliases": "acme\r\n acme eu \r\n\r\nacme-us"})
    aliases = Customer.objects.get(pk=world.customer).aliases.values_list("alias", flat=True)
    assert list(aliases) == ["acme", " acme eu ", "acme-us"]


def test_a_taken_alias_is_refused_beside_the_field(world: World, support: Client) -> None:
    create_customer(name="Other", ingest_aliases=["other"], now=world.now)
    answer = support.post(act("customers_customer_aliases", world.customer), {"ingest_aliases": "other"})
    assert answer.status_code == 400
    assert "An alias belongs to another customer" in answer.content.decode()
    assert [row.alias for row in Customer.objects.get(pk=world.customer).aliases.all()] == ["acme"]


def test_aliases_that_cannot_be_are_refused(world: World, support: Client) -> None:
    url = act("customers_customer_aliases", world.customer)
    for aliases in ("x" * 129, "twice\ntwice", "with\x00nul", "\n".join(map(str, range(2001)))):
        assert support.post(url, {"ingest_aliases": aliases}).status_code == 400, aliases[:20]
    assert [row.alias for row in Customer.objects.get(pk=world.customer).aliases.all()] == ["acme"]


def test_archiving_a_customer_needs_its_name(world: World, finance: Client) -> None:
    url = act("customers_customer_archive", world.customer)
    page = finance.get(url).content.decode()
    assert "1 contract(s) end. 1 draft(s) are cancelled." in page
    assert "2 finalized invoice(s) of these contracts become VOID." in page
    assert finance.post(url, {"name": "acme robotics", "reason": "They left"}).status_code == 400
    assert Customer.objects.get(pk=world.customer).archived_at is None

    finance.post(url, {"name": "Acme Robotics", "reason": "They left"})
    assert Customer.objects.get(pk=world.customer).archived_at == world.now
    assert set(InvoiceListing.objects.values_list("status", flat=True)) == {"VOID"}
    page = finance.get(act("customers_customer_change", world.customer)).content.decode()
    assert "Archived" in page
    assert "Archive customer" not in page


def test_a_keys_secret_is_shown_once_and_the_key_works_until_revoked(world: World, owner: Client) -> None:
    answer = owner.post(
        reverse("admin:core_apikey_add"), {"name": "Backend", "scopes": ["usage:ingest"], "expires_on": ""}
    )
    secret = answer.context["secret"]
    key = ApiKey.objects.get(name="Backend")
    assert secret in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert find_live_key(secret, now=world.now) == key
    for page in (act("core_apikey_change", key.pk), reverse("admin:core_apikey_changelist")):
        assert secret not in owner.get(page).content.decode()

    owner.post(act("core_apikey_revoke", key.pk), {})
    assert find_live_key(secret, now=world.now) is None
    assert AuditEntry.objects.get(action="api_key.revoke").user.username == "a-owner"


def test_keys_that_cannot_be_are_refused(world: World, owner: Client) -> None:
    bad: list[dict[str, object]] = [
        {"name": "", "scopes": ["*"]},
        {"name": "x"},
        {"name": "x", "scopes": ["nonsense"]},
        {"name": "x", "scopes": ["*"], "expires_on": "2020-01-01"},
        {"name": "x", "scopes": ["*"], "expires_on": "soon"},
    ]
    assert [owner.post(reverse("admin:core_apikey_add"), data).status_code for data in bad] == [400] * len(bad)
    assert not ApiKey.objects.exists()


def test_origins_are_allowed_and_removed(world: World, owner: Client) -> None:
    add = reverse("admin:console_embedorigin_add")
    assert owner.post(add, {"origin": "https://app.example.com/path"}).status_code == 400
    owner.post(add, {"origin": "https://app.example.com"})
    origin = EmbedOrigin.objects.get()
    answer = owner.post(act("console_embedorigin_remove", origin.pk), {})
    assert answer["Location"] == reverse("admin:console_embedorigin_changelist")
    assert not EmbedOrigin.objects.exists()


def test_opening_the_console_is_a_short_session_in_the_audit_trail(world: World, support: Client) -> None:
    url = act("customers_customer_console", world.customer)
    assert support.get(url).status_code == 405
    answer = support.post(url)
    assert answer["Location"].startswith("/console/embed#code=tactus_code_")
    session = EmbedSession.objects.get()
    assert session.end_user == {"name": "a-support (staff)"}
    assert (session.expires_at - world.now).total_seconds() <= 16 * 60
    entry = AuditEntry.objects.get(action="embed_session.create")
    assert entry.user.username == "a-support"
    assert entry.detail["customer"] == "Acme Robotics"


def test_who_sees_as_a_customer_is_told_so_and_finds_back(world: World, support: Client) -> None:
    answer = support.post(act("customers_customer_console", world.customer))
    started = support.post(
        "/tactus/v1/embed/exchange",
        {"code": answer["Location"].partition("#code=")[2]},
        content_type="application/json",
    )
    token = {"HTTP_AUTHORIZATION": f"Bearer {started.json()['data']['access_token']}"}
    page = Client().get("/console/invoices", **token).content.decode()
    assert "You see what <strong>Acme Robotics</strong> sees" in page
    assert f'href="{reverse("admin:customers_customer_change", args=[world.customer])}"' in page
    _, code = create_embed_session(customer_id=world.customer, now=world.now)
    theirs = support.post("/tactus/v1/embed/exchange", {"code": code}, content_type="application/json")
    token = {"HTTP_AUTHORIZATION": f"Bearer {theirs.json()['data']['access_token']}"}
    assert "staff-view" not in Client().get("/console/invoices", **token).content.decode()


def test_a_session_is_revoked(world: World, owner: Client) -> None:
    owner.post(act("customers_customer_console", world.customer))
    session = EmbedSession.objects.get()
    owner.post(act("console_embedsession_revoke", session.pk), {})
    session.refresh_from_db()
    assert session.revoked_at == world.now


def test_acts_need_their_token(world: World, finance: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(finance.get("/admin/").wsgi_request.user)
    assert strict.post(act("invoices_invoicelisting_void", world.final.pk), {"reason": "forged"}).status_code == 403
    assert world.final.status == "FINALIZED"
