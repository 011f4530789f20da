"""A run of the SDK that keeps account: which methods it calls, what it sends, and what of that is seen again."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from metronome import APIStatusError, BaseModel, Metronome
from metronome._utils import maybe_transform

from tests.api.test_every_field import SOMEBODY, ours
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.sdk_methods import Method, Where, fields_of, sdk_methods

METHODS: dict[str, Method] = {method.name: method for method in sdk_methods() if method.route in ours()}
"""Those that have a route here."""
SHOWN_AS: dict[str, tuple[tuple[str, ...], ...]] = {
    "product_id": (("product", "id"), ("subscription_rate", "product", "id")),
    "credit_type_id": (("credit_type", "id"),),
    "fiat_credit_type_id": (("fiat_credit_type", "id"),),
    "custom_credit_type_id": (("custom_credit_type", "id"),),
    "invoice_contract_id": (("invoice_contract", "id"),),
    "tiers": (("override_tiers",),),
}
"""What answers call it, where that is another name."""
WHOSE = {"customer_id", "contract_id", "id", "rate_card_id", "product_id", "commit_id", "credit_id", "subscription_id",
         "billable_metric_id", "segment_id"}  # fmt: skip
"""Fields that say which object a request is about."""


class Tour:
    """`sent` and `seen`: fields by method. `faults`: what was sent and came back otherwise, or changed nothing."""

    def __init__(self, sdk: Metronome) -> None:
        self.sdk, self.w = sdk, SubscriptionWorld(sdk)
        self.sent: defaultdict[str, set[Where]] = defaultdict(set)
        self.seen: defaultdict[str, set[Where]] = defaultdict(set)
        self.faults: list[str] = []
        self._last: dict[str, dict[str, Any]] = {}

    def call(self, name: str, /, **params: Any) -> Any:
        """The answer of this method."""
        self.sent[name] |= places(name, params)
        self._last[name] = params
        return self._target(name)(**params)

    def compare(self, name: str, sent: Any, shown: Any, at: Where = ()) -> None:
        """What the method was sent at this place against what is shown of it."""
        self._compare(name, wire(sent), wire(shown), at)

    def narrows(self, name: str, base: Mapping[str, Any], *changes: Mapping[str, Any]) -> None:
        """Each of these changes what is read; a parameter that changes nothing is ignored."""
        whole = wire(self.call(name, **base))
        for change in changes:
            if wire(self.call(name, **{**base, **change})) == whole:
                self.faults.append(f"{name}: {change} changes nothing")
            else:
                self.seen[name] |= places(name, change)

    def pages(self, name: str, base: Mapping[str, Any], cursor: str = "next_page") -> None:
        """Two pages of one row each are not the same."""
        first = self.call(name, **base, limit=1)
        second = self.call(name, **base, limit=1, **{cursor: _next(first)})
        assert len(first.data) == len(second.data) == 1, name
        assert wire(first.data) != wire(second.data), name
        self.proved(name, "limit", cursor)

    def proved(self, name: str, *fields: str) -> None:
        """These (dotted, `[]` for an item) have been seen at work by whoever says so."""
        for field in fields:
            where = tuple(field.split("."))
            assert where in self.sent[name], f"{name} was never sent {field}"
            self.seen[name] |= {where, (*where, "[]")}

    def refused(self, name: str, /, *fields: str, **params: Any) -> None:
        """These fields make the method refuse such a request: so they are heeded."""
        self.sent[name] |= places(name, params)
        try:
            self._target(name)(**params)
        except APIStatusError as error:
            if error.status_code in (400, 409):
                self.proved(name, *fields)
                return
        self.faults.append(f"{name}: {fields} does not refuse {params}")

    def refuse_strangers(self) -> None:
        """Each method is called once more for each object it was told of, with an id that is nobody's."""
        for name, params in list(self._last.items()):
            for field in WHOSE & {where[0] for where in self.sent[name] if len(where) == 1} & params.keys():
                if (field,) in self.seen[name]:
                    continue
                try:
                    self._target(name)(**{**params, field: SOMEBODY})
                except APIStatusError as error:
                    if error.status_code in (400, 404):
                        self.seen[name].add((field,))
                        continue
                self.faults.append(f"{name}: {field} of nobody is not refused")

    def _target(self, name: str) -> Any:
        found: Any = self.sdk
        for part in name.split("."):
            found = getattr(found, part)
        return found

    def _compare(self, name: str, asked: Any, shown: Any, where: Where) -> None:
        if isinstance(asked, dict) and asked:
            if isinstance(shown, dict):
                self.seen[name].add(where)
            for field, value in asked.items():
                self._compare(name, value, _part(shown, field), (*where, field))
        elif isinstance(asked, list) and isinstance(shown, list) and len(asked) == len(shown):
            self.seen[name] |= {where, (*where, "[]")}
            for value, other in zip(asked, shown, strict=True):
                self._compare(name, value, other, (*where, "[]"))
        elif _same(asked, shown):
            self.seen[name].add(where)
        else:
            self.faults.append(f"{name} {'.'.join(where)}: {asked!r} became {shown!r}")


def wire(value: Any) -> Any:
    """The same as JSON."""
    if isinstance(value, BaseModel):
        return value.to_dict(mode="json")
    if isinstance(value, Mapping):
        return {name: wire(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [wire(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def places(name: str, params: Mapping[str, Any]) -> set[Where]:
    """The fields of the method's body and query that these parameters hold."""
    method = METHODS[name]
    if method.takes is None:
        return set()
    if ("[]",) in ours()[method.route].body:  # the body as a whole is a list
        [items] = params.values()
        return {("[]",)} | {("[]", *where) for item in items for where in _inside(item)}
    found = _inside(maybe_transform(dict(params), method.takes))
    return found & _typed(name)


def supported(name: str) -> set[Where]:
    """The fields of the SDK's type that our route takes."""
    route = ours()[METHODS[name].route]
    fields = set(_typed(name))
    if ("[]",) in route.body:
        fields = {("[]", *where) for where in fields} | {("[]",)}
    return {where for where in fields if where in route.body or (len(where) == 1 and where[0] in route.query)}


@cache
def _typed(name: str) -> frozenset[Where]:
    takes = METHODS[name].takes
    return frozenset() if takes is None else frozenset(fields_of(takes))


def _inside(value: Any, where: Where = ()) -> set[Where]:
    if isinstance(value, Mapping):
        return {place for name, inner in value.items() for place in ({(*where, name)} | _inside(inner, (*where, name)))}
    if isinstance(value, list | tuple):
        return {place for inner in value for place in ({(*where, "[]")} | _inside(inner, (*where, "[]")))}
    return set()


def _part(shown: Any, field: str) -> Any:
    if not isinstance(shown, dict):
        return None
    for way in ((field,), *SHOWN_AS.get(field, ())):
        found: Any = shown
        for name in way:
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None:
            return found
    return None


def _same(asked: Any, shown: Any) -> bool:
    """Numbers compare as numbers, however they are written; instants in UTC."""
    if isinstance(asked, str) and isinstance(shown, str):
        return asked.replace("+00:00", "Z") == shown.replace("+00:00", "Z")
    if shown is None or isinstance(asked, bool | str | dict | list) or isinstance(shown, bool | dict | list):
        return bool(asked == shown)
    return Decimal(str(asked)) == Decimal(str(shown))


def _next(page: Any) -> str:
    """The cursor of the page after this one."""
    whole = wire(page)
    found = whole.get("pagination", whole).get("next_page") or whole.get("cursor")
    assert found, "there is no second page"
    return str(found)
