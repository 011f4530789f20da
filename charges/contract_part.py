"""Scheduled charges and discounts as parts of contracts (contracts/parts.py)."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from catalog.selectors import state_at
from charges.api.schedules import (
    InvoiceChangeInput,
    InvoicesChangedOutput,
    InvoiceScheduleInput,
    InvoiceScheduleOutput,
    ItemInput,
    given_items,
    given_recurring,
    schedule_change,
    told_items,
)
from charges.events import ScheduledChargesChanged
from charges.invoice_lookup import invoice_ids_of
from charges.models import Discount, ScheduledCharge
from charges.selectors import list_charges
from charges.services import (
    NewScheduled,
    ScheduleChange,
    ScheduledUpdate,
    add_scheduled,
    archive_scheduled,
    change_scheduled,
)
from contracts.models import Contract, ContractEdit
from contracts.parts import Fields
from contracts.renewal_parts import Carrying
from contracts.services import ids_of, record_event
from core.api.fields import CustomFieldsField, IdField, Input, InstantField, TextField
from core.api.output import IdOutput, Output, ToldOutput, told
from engine.money import mul

Kind = type[ScheduledCharge] | type[Discount]
KINDS: dict[str, Kind] = {"scheduled_charges": ScheduledCharge, "discounts": Discount}
MOST = 1000


class ScheduledInput(Input):
    """A charge by date, or a discount."""

    product_id = IdField()
    schedule = InvoiceScheduleInput()
    name = TextField(required=False, allow_null=True)
    custom_fields = CustomFieldsField(required=False, allow_null=True)
    netsuite_sales_order_id = TextField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two ways to say when."""
        schedule = attrs["schedule"]
        if not schedule.get("schedule_items") and not schedule.get("recurring_schedule"):
            raise serializers.ValidationError({"schedule": ["needs schedule_items or a recurring_schedule"]})
        return attrs


class ScheduledChangeInput(Input):
    """What changes in a scheduled charge."""

    scheduled_charge_id = IdField()
    invoice_schedule = InvoiceChangeInput(required=False)
    netsuite_sales_order_id = TextField(required=False, allow_null=True)


class FixedProductOutput(Output):
    """A product, briefly."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class ScheduledOutput(Output):
    """A charge by date, or a discount."""

    id = serializers.UUIDField()
    product = FixedProductOutput()
    schedule = InvoiceScheduleOutput()
    name = serializers.CharField(required=False)
    custom_fields = CustomFieldsField()
    netsuite_sales_order_id = serializers.CharField(required=False)
    archived_at = InstantField(required=False)


class ScheduledChangedOutput(ToldOutput):
    """What an edit changed in a scheduled charge."""

    id = serializers.UUIDField()
    invoice_schedule = InvoicesChangedOutput(required=False)
    netsuite_sales_order_id = serializers.CharField(required=False)


class ScheduledPart:
    """What a contract charges by date."""

    def create_fields(self) -> Fields:
        """Charges and discounts to begin with."""
        return {name: _list(ScheduledInput) for name in KINDS}

    def edit_fields(self) -> Fields:
        """Charges and discounts to add, charges to change and archive."""
        added: Fields = {f"add_{name}": _list(ScheduledInput) for name in KINDS}
        return added | {
            "update_scheduled_charges": _list(ScheduledChangeInput),
            "archive_scheduled_charges": _list(ItemInput),
        }

    def read_fields(self) -> Fields:
        """Nothing more can be asked for."""
        return {}

    def term_fields(self) -> Fields:
        """What a contract shows."""
        return {name: ScheduledOutput(many=True) for name in KINDS}

    def edited_fields(self) -> Fields:
        """What an edit shows."""
        added: Fields = {f"add_{name}": ScheduledOutput(many=True, required=False) for name in KINDS}
        return added | {
            "update_scheduled_charges": ScheduledChangedOutput(many=True, required=False),
            "archive_scheduled_charges": IdOutput(many=True, required=False),
        }

    def prepare(self, body: dict[str, Any]) -> None:
        """Nothing refers from here to another part."""

    def warnings(self, given: Collection[str]) -> list[dict[str, str]]:  # noqa: ARG002 - as each part is asked
        """All of it acts."""
        return []

    def create(self, contract: Contract, *, body: Mapping[str, Any], now: datetime) -> None:
        """Adds what the contract begins with."""
        made = {name: _add(contract, name, body, now=now) for name in KINDS}
        _tell(contract, made, (), (), now)

    def edit(
        self, contract: Contract, *, body: Mapping[str, Any], edit: ContractEdit, now: datetime
    ) -> dict[str, list[dict[str, Any]]]:
        """Archives, changes and adds, all or nothing."""
        archived = [item["id"] for item in body.get("archive_scheduled_charges") or ()]
        updates = body.get("update_scheduled_charges") or ()
        archive_scheduled(contract, ids=archived, path="archive_scheduled_charges", now=now)
        change_scheduled(contract, updates=[_update(one) for one in updates], path="update_scheduled_charges", now=now)
        made = {name: _add(contract, f"add_{name}", body, now=now, edit=edit) for name in KINDS}
        _tell(contract, made, [one["scheduled_charge_id"] for one in updates], archived, now)
        done: dict[str, list[dict[str, Any]]] = {
            f"add_{name}": _shown(rows, now) for name, rows in made.items() if rows
        }
        if updates:
            done["update_scheduled_charges"] = [_told(one) for one in updates]
        if archived:
            done["archive_scheduled_charges"] = [{"id": id_} for id_ in archived]
        return done

    def before_reading(self, customer_id: UUID, *, asked: Mapping[str, Any], now: datetime) -> None:
        """Nothing comes due by being looked at."""

    def carry(self, how: Carrying) -> dict[str, Any]:
        """What a renewal takes along: dates move, charges are raised, discounts stay as they are."""
        return {name: _carried(kind, how) for name, kind in KINDS.items()}

    def terms(
        self,
        contract_ids: Iterable[UUID],
        *,
        asked: Mapping[str, Any],  # noqa: ARG002 - as each part is asked
        at: datetime,
    ) -> dict[UUID, dict[str, Any]]:
        """Charges and discounts by contract, in the order of adding; archived ones are left out."""
        ids = list(contract_ids)
        found: dict[UUID, dict[str, Any]] = {id_: {name: [] for name in KINDS} for id_ in ids}
        for name, kind in KINDS.items():
            rows = list(_rows(kind).filter(contract_id__in=ids, archived_at__isnull=True))
            for row, shown in zip(rows, _shown(rows, at), strict=True):
                found[row.contract_id][name].append(shown)
        return found


def _carried(kind: Kind, how: Carrying) -> list[dict[str, Any]]:
    rows = list(kind.objects.filter(contract=how.contract, archived_at__isnull=True).order_by("sequence"))
    schedules = list_charges(source_ids=[row.pk for row in rows])
    found = []
    for row in rows:
        dated = [(how.move.date(charge.invoice_at), charge) for charge in schedules.get(row.pk, ())]
        items = [
            {
                "timestamp": at, "quantity": charge.quantity,
                "unit_price": charge.unit_price if kind is Discount else how.price(charge.unit_price),
            }
            for at, charge in dated
            if at is not None
        ]  # fmt: skip
        if items:
            schedule = {"credit_type_id": row.credit_type_id, "do_not_invoice": row.do_not_invoice}
            texts = {name: getattr(row, name) for name in ("name", "custom_fields", "netsuite_sales_order_id")}
            found.append({"product_id": row.product_id, "schedule": schedule | {"schedule_items": items}} | texts)
    return found


def _list(child: type[serializers.Serializer[Any]]) -> serializers.ListField:
    return serializers.ListField(child=child(), max_length=MOST, required=False, allow_null=True)


def _rows(kind: Kind) -> Any:
    return kind.objects.select_related("product", "credit_type").prefetch_related("product__versions")


def _add(
    contract: Contract, path: str, body: Mapping[str, Any], *, now: datetime, edit: ContractEdit | None = None
) -> list[Any]:
    """Adds what stands under `path`; of an edit, with all that telling it needs."""
    kind = KINDS[path.removeprefix("add_")]
    new = [_new(one) for one in body.get(path) or ()]
    made = add_scheduled(contract, kind=kind, new=new, path=path, now=now, edit=edit)
    return list(_rows(kind).filter(pk__in=[row.pk for row in made])) if edit is not None and made else made


def _new(body: Mapping[str, Any]) -> NewScheduled:
    schedule = body["schedule"]
    texts = ("name", "custom_fields", "netsuite_sales_order_id")
    return NewScheduled(
        product_id=body["product_id"],
        items=given_items(schedule),
        recurring=given_recurring(schedule),
        credit_type_id=schedule.get("credit_type_id"),
        do_not_invoice=schedule.get("do_not_invoice", False),
        **{name: body[name] for name in texts if body.get(name) is not None},
    )


def _update(body: Mapping[str, Any]) -> ScheduledUpdate:
    fields = {name: body[name] or "" for name in ("netsuite_sales_order_id",) if name in body}
    schedule = schedule_change(body.get("invoice_schedule")) or ScheduleChange()
    return ScheduledUpdate(body["scheduled_charge_id"], schedule, fields)


def _told(body: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"id" if name == "scheduled_charge_id" else name: value for name, value in body.items()}
    if "invoice_schedule" in shown:
        shown["invoice_schedule"] = told_items(shown["invoice_schedule"])
    return told(shown)


def _shown(rows: list[Any], at: datetime) -> list[dict[str, Any]]:
    schedules = list_charges(source_ids=[row.pk for row in rows])
    holders = invoice_ids_of([charge.pk for charges in schedules.values() for charge in charges])
    return ScheduledOutput.of_each(
        {
            "id": row.pk,
            "product": {"id": row.product_id, "name": state_at(list(row.product.versions.all()), at).name},
            "schedule": {
                "schedule_items": [
                    {
                        "id": charge.pk, "timestamp": charge.invoice_at, "unit_price": charge.unit_price,
                        "quantity": charge.quantity, "amount": mul(charge.unit_price, charge.quantity),
                        "invoice_id": holders.get(charge.pk),
                    }
                    for charge in schedules.get(row.pk, ())
                ],
                "credit_type": {"id": row.credit_type_id, "name": row.credit_type.name},
                "do_not_invoice": row.do_not_invoice,
            },
            "name": row.name or None,
            "custom_fields": row.custom_fields,
            "netsuite_sales_order_id": row.netsuite_sales_order_id or None,
            "archived_at": row.archived_at,
        }
        for row in rows
    )  # fmt: skip


def _tell(
    contract: Contract, made: Mapping[str, list[Any]], changed: Iterable[UUID], archived: Iterable[UUID], now: datetime
) -> None:
    """Says so once, if there is anything to say: the contract's billing periods follow."""
    charges, discounts = (tuple(row.pk for row in made[name]) for name in KINDS)
    event = ScheduledChargesChanged(
        **ids_of(contract),
        occurred_at=now,
        added_scheduled_charge_ids=charges,
        changed_scheduled_charge_ids=tuple(changed),
        archived_scheduled_charge_ids=tuple(archived),
        added_discount_ids=discounts,
    )
    told_of = {
        "add_scheduled_charges": [str(id_) for id_ in charges],
        "update_scheduled_charges": [str(id_) for id_ in event.changed_scheduled_charge_ids],
        "archive_scheduled_charges": [str(id_) for id_ in event.archived_scheduled_charge_ids],
        "add_discounts": [str(id_) for id_ in discounts],
    }
    if any(told_of.values()):
        record_event(contract, event=event, detail={name: ids for name, ids in told_of.items() if ids})
