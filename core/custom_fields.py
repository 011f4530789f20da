"""Custom fields: the keys that records of a kind may have, and their values, unique where a key says so.

Apps register which of their models have them (`registry.CustomFieldEntity`); values stand in the records' own
`custom_fields`. Creating a record takes any key, as it always did; setting values later takes known ones.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, cast
from uuid import UUID

from django.apps import apps
from django.db import IntegrityError, connection, models
from django.db.models import QuerySet

from core import audit
from core.constraints import violated
from core.errors import Conflict, InvalidInput, NotFound
from core.models import CustomFieldKey, CustomFieldValue
from core.registry import CustomFieldEntity, registrations
from core.transactions import use_case

MOST_KEYS: Final = 100


@cache
def entities() -> dict[str, CustomFieldEntity]:
    """The kinds of records that have custom fields here, by name."""
    return {one.name: one for app in registrations() for one in app.custom_field_entities}


def add_key(*, entity: str, key: str, enforce_uniqueness: bool, now: datetime) -> CustomFieldKey:
    """A key for records of this kind.

    Raises InvalidInput for a kind without custom fields, Conflict for a key that there is, or values that stand twice.
    """
    rows = records(entity)
    with use_case():
        # Whoever gives such a record values waits, or is seen: nobody slips in between the look and the promise.
        _lock(rows.model)
        if CustomFieldKey.objects.filter(entity=entity, key=key).exists():
            raise Conflict(f"there is a key {key} for {entity} already", field="key")
        if CustomFieldKey.objects.filter(entity=entity).count() >= MOST_KEYS:
            raise InvalidInput(f"at most {MOST_KEYS} keys for each kind of record", field="key")
        if enforce_uniqueness:
            _keep_all(entity, key, rows)
        made = CustomFieldKey.objects.create(
            entity=entity, key=key, enforce_uniqueness=enforce_uniqueness, created_at=now
        )
        detail = {"entity": entity, "key": key, "enforce_uniqueness": enforce_uniqueness}
        audit.record("custom_field.add_key", made, at=now, detail=detail)
    return made


def remove_key(*, entity: str, key: str, now: datetime) -> int:
    """Removes a key with all its values; returns how many records had one. Raises NotFound."""
    rows = records(entity)
    with use_case():
        _lock(rows.model)
        found = CustomFieldKey.objects.select_for_update().filter(entity=entity, key=key).first()
        if found is None:
            raise NotFound(f"there is no key {key} for {entity}", field="key")
        having = list(rows.select_for_update().filter(custom_fields__has_key=key).order_by("pk"))
        for row in having:
            row.custom_fields = {name: value for name, value in row.custom_fields.items() if name != key}
        rows.model.objects.bulk_update(having, ["custom_fields"], batch_size=1000)
        CustomFieldValue.objects.filter(entity=entity, key=key).delete()
        detail = {"entity": entity, "key": key, "enforce_uniqueness": found.enforce_uniqueness, "records": len(having)}
        audit.record("custom_field.remove_key", found, at=now, detail=detail)
        found.delete()
    return len(having)


def list_keys(*, entities_: Collection[str] = ()) -> QuerySet[CustomFieldKey]:
    """The keys, of these kinds or of all."""
    rows = CustomFieldKey.objects.all()
    return rows.filter(entity__in=list(entities_)) if entities_ else rows


def set_values(*, entity: str, entity_id: UUID, values: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Gives a record these values; others stay. Returns all that it has then.

    Raises NotFound for no such record, InvalidInput for an unknown key, Conflict where a value must be unique.
    """
    known = set(list_keys(entities_=[entity]).values_list("key", flat=True))
    if unknown := sorted(values.keys() - known):
        raise InvalidInput(
            f"there is no key {unknown[0]} for {entity}; add it first (/v1/customFields/addKey)", field="custom_fields"
        )
    return _change(entity, entity_id, lambda before: {**before, **values}, now)


def delete_values(*, entity: str, entity_id: UUID, keys: Collection[str], now: datetime) -> dict[str, str]:
    """Takes these values from a record, as far as it has them. Returns all that is left. Raises NotFound."""
    return _change(
        entity, entity_id, lambda before: {key: value for key, value in before.items() if key not in keys}, now
    )


def replace_values(*, entity: str, entity_id: UUID, values: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Gives a record these values, and takes away those that are empty; keys that are not named stay as they are.

    Raises as `set_values`.
    """
    gone = {key for key, value in values.items() if not value}
    kept = {key: value for key, value in values.items() if value}
    return _change(
        entity,
        entity_id,
        lambda before: {**{key: value for key, value in before.items() if key not in gone}, **kept},
        now,
    )


def page_model(entity: str) -> str:
    """The model of such records, as the back office names their pages."""
    return str(records(entity).model._meta.model_name)


def records(entity: str) -> QuerySet[Any]:
    """The records of this kind. Raises InvalidInput for one that has no custom fields."""
    found = entities().get(entity)
    if found is None:
        raise InvalidInput(f"{entity} has no records with custom fields here", field="entity")
    model: type[models.Model] = apps.get_model(found.model)
    found_rows: QuerySet[Any] = cast("Any", model).objects.filter(**dict(found.only))
    return found_rows


def has_them(model: type[models.Model]) -> bool:
    """Whether records of a model have custom fields."""
    return model._meta.label in {one.model for one in entities().values()}


def entity_of(record: models.Model) -> str:
    """The kind that a record is of; "" if it has no custom fields."""
    for name, one in entities().items():
        if record._meta.label == one.model and all(
            getattr(record, field) in (value if isinstance(value, tuple) else (value,))
            for field, value in ((field.removesuffix("__in"), value) for field, value in one.only)
        ):
            return name
    return ""


def _change(entity: str, entity_id: UUID, change: Any, now: datetime) -> dict[str, str]:
    try:
        with use_case():
            row = records(entity).select_for_update(of=("self",), no_key=True).filter(pk=entity_id).first()
            if row is None:
                raise NotFound(f"no {entity} {entity_id}", field="entity_id")
            before = dict(row.custom_fields)
            row.custom_fields = change(before)
            if row.custom_fields != before:
                type(row).objects.filter(pk=row.pk).update(custom_fields=row.custom_fields)
                detail = {"entity": entity, "custom_fields": row.custom_fields, "previous_custom_fields": before}
                audit.record("custom_field.set_values", row, at=now, detail=detail)
    except IntegrityError as error:
        if violated(error) != "custom_field_value_once":
            raise
        raise Conflict("another one has this value, which must be unique", field="custom_fields") from error
    return dict(row.custom_fields)


def _lock(model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{model._meta.db_table}" IN SHARE ROW EXCLUSIVE MODE')


def _keep_all(entity: str, key: str, rows: QuerySet[Any]) -> None:
    """Keeps the values that there are. Raises Conflict naming one that stands twice."""
    values: dict[str, UUID] = {}
    for pk, fields in rows.filter(custom_fields__has_key=key).values_list("pk", "custom_fields").iterator():
        if fields[key] in values:
            raise Conflict(f"{values[fields[key]]} and {pk} have the same value of {key}", field="enforce_uniqueness")
        values[fields[key]] = pk
    CustomFieldValue.objects.bulk_create(
        (CustomFieldValue(entity=entity, key=key, value=value, record_id=pk) for value, pk in values.items()),
        batch_size=1000,
    )
