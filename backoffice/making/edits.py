"""The frame of edits of a contract: a body of `/v2/contracts/edit`, rehearsed and then carried out."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.urls import reverse

from backoffice.making.fields import text
from backoffice.making.frame import Made, MakingForm, Section
from backoffice.making.rehearsal import effect
from catalog.models import CreditType
from catalog.selectors import list_credit_types
from contracts import services
from contracts.api.edits import EditInput, teller
from contracts.api.overrides import new_override
from contracts.api.subscription_inputs import new_subscription, subscription_update
from contracts.models import Contract
from contracts.parts import contract_parts, given_parts
from engine.calendar import BILLING_FREQUENCIES
from presentation import formatting

EACH = {"MONTHLY": "Every month", "QUARTERLY": "Every quarter", "ANNUAL": "Every year", "WEEKLY": "Every week"}
FREQUENCIES = tuple((name, said) for name, said in EACH.items() if name in BILLING_FREQUENCIES)


def page_of(contract: Contract) -> str:
    """The contract's page."""
    return reverse("admin:contracts_contract_change", args=[contract.pk])


def living_contract(key: UUID) -> Contract | None:
    """The contract, unless it is archived."""
    rows = Contract.objects.select_related("customer", "rate_card__fiat_credit_type")
    return rows.filter(pk=key, archived_at__isnull=True).first()


def unit_choices() -> dict[str, CreditType]:
    """The units that amounts may be in, USD first."""
    rows = sorted(list_credit_types(), key=lambda unit: (unit.code != "USD", not unit.is_currency, unit.name))
    return {str(unit.pk): unit for unit in rows}


def currency_of(contract: Contract) -> str:
    """The id of the unit that its invoices are in: its card's, else USD."""
    if contract.rate_card is not None:
        return str(contract.rate_card.fiat_credit_type_id)
    return next(iter(unit_choices()))


def unit_options(units: Mapping[str, CreditType]) -> list[tuple[str, str]]:
    """The same for a field."""
    return [(key, formatting.unit_code(unit)) for key, unit in units.items()]


class EditForm(MakingForm):
    """One thing added to or changed in a contract, as `/v2/contracts/edit` takes it."""

    reads = EditInput
    said = "The contract is changed."

    @property
    def why(self) -> str:
        """The reason, where the form asks for one."""
        return str(self.cleaned_data.get("reason", ""))

    @abstractmethod
    def change(self) -> dict[str, Any]:
        """The part of the edit's body that this form is about."""

    def body(self) -> dict[str, Any]:
        return {
            "customer_id": str(self.subject.customer_id),
            "contract_id": str(self.subject.pk),
            **self.change(),
            **self.key,
        }

    def edit(self, read: dict[str, Any]) -> None:
        """The service call."""
        body = dict(read)
        for part in contract_parts():
            part.prepare(body)
        services.edit_contract(
            contract_id=body["contract_id"],
            customer_id=body["customer_id"],
            add_overrides=[new_override(entry) for entry in body.get("add_overrides", ())],
            remove_overrides=[entry["id"] for entry in body.get("remove_overrides", ())],
            add_subscriptions=[new_subscription(entry) for entry in body.get("add_subscriptions") or ()],
            update_subscriptions=[subscription_update(entry) for entry in body.get("update_subscriptions") or ()],
            name=body.get("update_contract_name"),
            uniqueness_key=body.get("uniqueness_key"),
            parts=given_parts(body, editing=True),
            tell=teller(read, self.at),
            reason=self.why,
            now=self.at,
        )

    def foretell(self, read: dict[str, Any]) -> list[str]:
        return effect(self._again, customer_id=self.subject.customer_id, at=self.at)

    def _again(self) -> None:
        """The edit of a body that is read anew: carrying out settles ids in it."""
        reader = self.reader()(data=self.body())
        reader.is_valid(raise_exception=True)
        self.edit(dict(reader.validated_data))

    def carry_out(self, read: dict[str, Any]) -> Made:
        self.edit(read)
        return Made(self.said, page_of(self.subject))


class NameForm(EditForm):
    """What the contract is called."""

    sections = (Section("Name", ("name",)),)
    fields_of = {"update_contract_name": "name"}
    said = "The contract has another name now."
    name = text("Name")

    def change(self) -> dict[str, Any]:
        return {"update_contract_name": self.cleaned_data["name"]}
