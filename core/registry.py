"""What the apps register with the kernel: attributes of their `AppConfig` (`apps.py`), which the kernel only collects.

So `core` names no app: who may do what, what an API key may reach, which sweeps run, which records have a page and what
staff read instead of a name is said by the app that knows it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.apps import AppConfig, apps

SUPPORT = "support"
FINANCE = "finance"
ROLES = (SUPPORT, FINANCE)
"""The groups of staff that apps give permissions to. Owners are superusers and need none."""

BILLING = "billing"
DOCUMENTS = "documents"
DELIVERY = "delivery"
QUEUES = (BILLING, DOCUMENTS, DELIVERY)
"""Of jobs: what moves money; what renders PDF; what speaks to others. The first takes what nobody assigned."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One act of staff that calls one service; Django does not make it by itself. `model` is one of the same app's."""

    codename: str
    title: str
    model: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordPage:
    """A model whose records have a page in the back office, and what people call one of them.

    `page`: the model whose page that is, where it is another one; `app`: the app of that one, where it is another.
    """

    model: str
    noun: str
    page: str = ""
    app: str = ""


@dataclass(frozen=True, slots=True)
class GatedAct:
    """An act that may need a second person (`core.approvals`). `name` is that of the audited act.

    `ask` and `approve` are the permissions of the two; `carry_out` the dotted path of a service that does it in one
    use case: `(subject_id: UUID, parameters: dict, reason: str, now: datetime) -> Model | None`, the record concerned.
    """

    name: str
    title: str
    ask: str
    approve: str
    carry_out: str


@dataclass(frozen=True, slots=True)
class CustomFieldEntity:
    """A kind of record with custom fields, as Metronome names it. `model`: `app.Model`, with a column `custom_fields`.

    `only`: what else its records have in common, as filters of the model.
    """

    name: str
    model: str
    only: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Sweep:
    """A look for due work: it may run twice, at once, late, or not at all for a while, without harm.

    `function` is the dotted path of a service that takes `now` and returns how many items it did; `name` is that of the
    job that calls it every `every_seconds`, on `queue`, until nothing is left or `budget_seconds` are over. The sweeps
    named in `after` are carried out first in the same job: their work is part of what this one looks for.
    """

    name: str
    function: str
    every_seconds: float
    queue: str = BILLING
    after: tuple[str, ...] = ()
    # well below the time limit of jobs; 0: one turn
    budget_seconds: float = 40
    # as a job, what came so shortly ago may wait, because bigger steps cost less; passed on as `patience`
    patience: timedelta = timedelta(0)
    # whether `run_due_work` carries it out too: not what only keeps lists of staff fresh
    foreground: bool = True
    # of a sweep that sees to customers one by one, and only to those of `core.clock.acting_clock`: the dotted path of
    # what says when it has work again: `(*, after: datetime) -> datetime | None`. A test clock stops at each of these
    next_due: str = ""


class AppRegistration(AppConfig):
    """Base of our apps' configurations. `apps.py` imports this module, not this class, so that Django finds one."""

    permissions: tuple[Permission, ...] = ()
    visible_models: Mapping[str, tuple[str, ...]] = {}
    """Model -> roles that may look at its records (Django's own `view_…` permission)."""
    api_resources: tuple[str, ...] = ()
    """First halves of API scopes: `customers` makes `customers:read` and `customers:write`."""
    api_scopes: tuple[str, ...] = ()
    """Whole API scopes besides those."""
    custom_field_entities: tuple[CustomFieldEntity, ...] = ()
    gated_acts: tuple[GatedAct, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    """In the order in which the foreground does them."""
    job_queues: Mapping[str, str] = {}
    """Jobs that are no sweeps and not for the queue `billing`."""
    record_pages: tuple[RecordPage, ...] = ()
    customer_model: str = ""
    """The model whose ids stand in the outbox's `customer_id`; one app says it."""
    api_groups: Mapping[str, str] = {}
    """A word in a route's path -> the heading under which the API's page lists it, whatever the path begins with."""
    audit_titles: Mapping[str, str] = {}
    """Name of an audited act -> what staff read. Acts that are named like an event have its title."""
    hidden_details: frozenset[str] = frozenset()
    """Keys of payloads and audit details that say nothing to people, or nothing without their unit."""


def registrations() -> Iterator[AppRegistration]:
    """Our installed apps, lower ones first."""
    return (config for config in apps.get_app_configs() if isinstance(config, AppRegistration))


@cache
def scopes() -> frozenset[str]:
    """All scopes that an API key may have; `*` is everything."""
    found = {"*"}
    for app in registrations():
        found |= {f"{name}:{access}" for name in app.api_resources for access in ("read", "write")}
        found |= set(app.api_scopes)
    return frozenset(found)


@cache
def permissions_of(role: str) -> frozenset[str]:
    """The permissions of a role, `app.codename`: what it may look at and what it may do."""
    found: set[str] = set()
    for app in registrations():
        found |= {f"{app.label}.view_{model}" for model, roles in app.visible_models.items() if role in roles}
        found |= {f"{app.label}.{one.codename}" for one in app.permissions if role in one.roles}
    return frozenset(found)


@cache
def gated_acts() -> dict[str, GatedAct]:
    """Name -> the act that may need a second person."""
    return {act.name: act for app in registrations() for act in app.gated_acts}


@cache
def record_pages() -> dict[str, tuple[str, str]]:
    """Model -> what people call a record of it, and the name of its page's route."""
    return {
        page.model: (page.noun, f"admin:{page.app or app.label}_{page.page or page.model}_change")
        for app in registrations()
        for page in app.record_pages
    }


@cache
def customer_model() -> str:
    """The model whose ids stand in the outbox's `customer_id`."""
    return next((app.customer_model for app in registrations() if app.customer_model), "")


@cache
def api_groups() -> dict[str, str]:
    """A word in a route's path -> the heading under which the API's page lists it."""
    return {word: heading for app in registrations() for word, heading in app.api_groups.items()}


@cache
def audit_titles() -> dict[str, str]:
    """Name of an audited act -> what staff read; without those named like an event (`core.events.titles`)."""
    return {name: title for app in registrations() for name, title in app.audit_titles.items()}


@cache
def hidden_details() -> frozenset[str]:
    """Keys of payloads and audit details that are kept from people."""
    return frozenset().union(*(app.hidden_details for app in registrations()))
