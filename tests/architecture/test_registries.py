"""What apps register with the kernel: complete, declared once, and the same for everybody who reads it."""

import ast
import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from uuid import UUID

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from billing_site.celery import app as celery
from billing_site.wiring import REACTIONS, beat_schedule
from core import registry
from core.events import DomainEvent, event_types, titles
from core.staff import ensure_roles
from core.sweeps import list_sweeps, queue_of, run_due_work, run_sweep
from supervisor import programs

ROOT = Path(__file__).resolve().parents[2]
APPS = [app for app in registry.registrations() if app.name != "core"]
PACKAGES = [Path(app.path) for app in registry.registrations()]


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of every app, migrations aside."""
    found = {path for package in PACKAGES for path in package.rglob("*.py") if "migrations" not in path.parts}
    assert len(found) > 100
    for path in sorted(found):
        yield path, ast.parse(path.read_text())


def module_of(path: Path) -> types.ModuleType:
    return import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


# --- the kernel -------------------------------------------------------------------------------------------------------


def prose(tree: ast.Module) -> set[int]:
    """The string constants that are docstrings."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def test_core_names_no_app() -> None:
    """Neither imports one nor has its name, or that of one of its models, in a string that it computes with."""
    labels = {app.label for app in APPS} | {"billing_site"}
    words = labels - set(registry.QUEUES)  # a queue is called as an app is
    models = {model._meta.model_name or "" for app in APPS for model in app.get_models()}
    named = re.compile(rf"^({'|'.join(sorted(words | models))})$|\b({'|'.join(sorted(words))})[._:][a-z]")
    for path in sorted((ROOT / "core").rglob("*.py")):
        tree = ast.parse(path.read_text())
        docstrings = prose(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
                assert not labels & {name.split(".")[0] for name in names}, f"{path}:{node.lineno}"
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                assert not named.search(node.value), f"{path}:{node.lineno} {node.value}"


# --- sweeps and jobs --------------------------------------------------------------------------------------------------


def test_one_declaration_of_a_sweep_serves_beat_the_foreground_and_the_worker() -> None:
    declared = [sweep.name for app in registry.registrations() for sweep in app.sweeps]
    assert sorted(declared) == sorted(set(declared))
    celery.loader.import_default_modules()
    celery.finalize()
    for table in (beat_schedule(), celery.conf.beat_schedule):
        assert set(table) == {entry["task"] for entry in table.values()} == set(declared)
    assert set(declared) <= set(celery.tasks)
    assert {sweep.name for sweep in list_sweeps() if not sweep.foreground} == {"billing.refresh_draft_totals"}


def test_every_sweep_that_services_offer_is_declared() -> None:
    declared = {import_string(sweep.function) for sweep in list_sweeps()}
    assert len(declared) == len(list_sweeps())
    offered = set()
    for path, tree in sources():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and (ast.get_docstring(node) or "").startswith("Sweep:"):
                offered.add(getattr(module_of(path), node.name))
    forgets = import_string("core.services.forget_old_requests")
    assert offered | {forgets} == declared
    for function in declared:
        now = inspect.signature(function).parameters["now"]
        assert now.kind is now.KEYWORD_ONLY
        assert typing.get_type_hints(function)["return"] is int


def test_a_sweep_comes_after_those_whose_work_it_looks_for() -> None:
    places = {sweep.name: place for place, sweep in enumerate(list_sweeps())}
    for sweep in list_sweeps():
        assert all(places[name] < places[sweep.name] for name in sweep.after)
        assert not sweep.after or sweep.queue == registry.BILLING
    assert places["balances.issue_recurring_balances"] < places["invoices.finalize_due_invoices"]
    assert places["reservations.settle_committed"] < places["reservations.lapse_due_reservations"]


AT = datetime(2026, 3, 20)  # noqa: DTZ001
did: list[tuple[str, dict[str, object]]] = []
left: dict[str, int] = {}


def _do(name: str, **more: object) -> int:
    did.append((name, more))
    left[name] -= 1
    return 1 if left[name] >= 0 else 0


def first(**more: object) -> int:
    return _do("first", **more)


def second(**more: object) -> int:
    return _do("second", **more)


def third(**more: object) -> int:
    return _do("third", **more)


def test_what_a_sweeps_job_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """First what it comes after, itself until nothing is left, and nothing else; the foreground does all of it."""
    patience = timedelta(seconds=5)
    here = f"{__name__}."
    mine = (
        registry.Sweep("x.third", f"{here}third", every_seconds=1, after=("x.second",)),
        registry.Sweep("x.second", f"{here}second", every_seconds=1, after=("x.first",)),
        registry.Sweep("x.first", f"{here}first", every_seconds=1, budget_seconds=0, patience=patience),
    )
    for app in registry.registrations():
        monkeypatch.setattr(app, "sweeps", mine if app.label == "core" else ())
    monkeypatch.setattr("core.sweeps.import_string", lambda path: globals()[path.removeprefix(here)])
    list_sweeps.cache_clear()
    try:
        left.update(first=1, second=2, third=9)
        assert run_sweep("x.second", clock=lambda: AT) == 3
        turns = ["first", "first", "second", "second", "second"]
        assert [name for name, _ in did] == turns
        assert did[0][1] == {"now": AT, "patience": patience}
        assert did[-1][1] == {"now": AT}
        did.clear()
        left.update(first=5)
        assert run_sweep("x.first", clock=lambda: AT) == 1  # one turn
        did.clear()
        left.update(first=1, second=0, third=2)
        assert run_due_work(clock=lambda: AT) == 3
        assert [name for name, _ in did] == ["first", "second", "third"] * 3
        assert all(more == {"now": AT} for _, more in did)
    finally:
        did.clear()
        list_sweeps.cache_clear()


def test_every_job_sent_by_name_is_a_task_with_a_queue() -> None:
    celery.loader.import_default_modules()
    sent = {
        ast.literal_eval(node.args[0])
        for path, tree in sources()
        for name, node in calls(tree)
        if name in ("enqueue", "jobs.enqueue")
    }
    assert sent
    assert sent <= set(celery.tasks)
    router = celery.amqp.router
    queues = {name: router.route({}, name)["queue"].name for name in celery.tasks if not name.startswith("celery.")}
    assert queues == {name: queue_of(name) for name in queues}
    assert set(queues.values()) <= set(registry.QUEUES)
    assert queues["invoices.render_document"] == queues["invoices.render_due_documents"] == registry.DOCUMENTS
    assert queues["invoices.finalize_due_invoices"] == registry.BILLING
    for app in registry.registrations():
        assert set(app.job_queues) <= set(celery.tasks)


def test_workers_take_from_every_queue() -> None:
    every = ",".join(registry.QUEUES)
    assert set(celery.amqp.queues) == set(registry.QUEUES)
    assert settings.CELERY_TASK_DEFAULT_QUEUE in registry.QUEUES
    site = programs.Site(env={}, log=ROOT, host="", port=0, demo_port=0, api_key="")
    [worker] = [child for child in programs.background_programs(site, ()) if child.name == "worker"]
    command = list(worker.command())
    assert command[command.index("--queues") + 1] == every
    [line] = [line for line in (ROOT / "compose.yaml").read_text().splitlines() if '"worker"' in line]
    words = json.loads(line.split("command: ")[1])
    assert words[words.index("--queues") + 1] == every


def test_the_roller_waits_as_long_as_its_sweep() -> None:
    [roll] = [sweep for sweep in list_sweeps() if sweep.name == "usage.roll"]
    assert roll.patience == import_string("usage.services.ROLL_PATIENCE")


# --- staff and keys ---------------------------------------------------------------------------------------------------


def test_permissions_exist_and_roles_are_known(db: None) -> None:
    ensure_roles()
    stored = Permission.objects.select_related("content_type")
    known = {f"{row.content_type.app_label}.{row.codename}" for row in stored}
    for app in registry.registrations():
        models = {model._meta.model_name for model in app.get_models()}
        for permission in app.permissions:
            assert permission.model in models, permission
            assert set(permission.roles) <= set(registry.ROLES), permission
            assert f"{app.label}.{permission.codename}" in known
        assert set(app.visible_models) <= models, app
        assert {role for roles in app.visible_models.values() for role in roles} <= set(registry.ROLES)
    assert all(registry.permissions_of(role) for role in registry.ROLES)


def test_every_permission_that_code_asks_for_exists(db: None) -> None:
    ensure_roles()
    stored = Permission.objects.select_related("content_type")
    known = {f"{row.content_type.app_label}.{row.codename}" for row in stored}
    labels = "|".join(app.label for app in registry.registrations())
    verbs = "view|add|change|delete|edit|archive|void|regenerate|revoke|create|request|approve|rename"
    asked = re.compile(rf"({labels})\.({verbs})_\w+")
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and asked.fullmatch(node.value):
                # audited acts are called `subject.verb_object` too
                assert node.value in known or node.value in titles(), f"{path}:{node.lineno} {node.value}"


def test_a_view_asks_for_a_scope_that_keys_may_have() -> None:
    asked = set()
    for _, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("resource", "(resource, access)"):
                value = node.value.elts[0] if isinstance(node.value, ast.Tuple) else node.value
                asked.add(ast.literal_eval(value))
    assert asked
    assert {f"{name}:read" for name in asked} <= registry.scopes()
    assert registry.scopes() >= {"*", "usage:ingest", "customers:write", "embed:read", "audit:read"}


# --- records, events, acts --------------------------------------------------------------------------------------------


def test_record_pages_are_there() -> None:
    models = {model._meta.model_name for model in apps.get_models()}
    for model, (noun, route) in registry.record_pages().items():
        assert model in models
        assert noun
        try:
            assert reverse(route, args=[UUID(int=0)])
        except NoReverseMatch:
            pytest.fail(f"{route} has no page")


def audited() -> Iterator[tuple[str, ast.expr, types.ModuleType]]:
    """What stands as the name of an act wherever one is recorded."""
    for path, tree in sources():
        for name, node in calls(tree):
            if name == "audit.record":
                yield f"{path}:{node.lineno}", node.args[0], module_of(path)
            # nobody may take the function under another name: it would not be found here
            assert name != "record", f"{path}:{node.lineno}"


def test_every_audited_act_has_a_title() -> None:
    """A literal or a constant is looked up; `event.name` has the event's title. Nothing else may stand there."""
    found = list(audited())
    assert len(found) > 25
    for where, name, module in found:
        if isinstance(name, ast.Constant):
            action = name.value
        elif isinstance(name, ast.Name):
            action = getattr(module, name.id)
        else:
            assert ast.unparse(name) == "event.name", where
            continue
        assert action in titles(), f"{where} {action}"


def test_every_title_is_of_an_act_that_is_recorded() -> None:
    literals = {
        node.value for _, tree in sources() for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }  # fmt: skip
    recorded = {name.value for _, name, _ in audited() if isinstance(name, ast.Constant)} | {"demo.load"}
    assert set(registry.audit_titles()) == recorded
    assert recorded <= literals


def stated_events() -> set[type[DomainEvent]]:
    """Every class with a name of its own that code outside tests derives from `DomainEvent`."""
    for path, _ in sources():
        if path.name == "events.py" and "services" not in path.parts:
            module_of(path)
    waiting, found = [DomainEvent], set()
    while waiting:
        derived = waiting.pop()
        waiting += derived.__subclasses__()
        # a dataclass with slots is made twice; only the second one can be reached
        reachable = getattr(import_module(derived.__module__), derived.__name__, None) is derived
        if "name" in vars(derived) and reachable and "test_" not in derived.__module__:
            found.add(derived)
    return found


def test_every_event_is_collected_with_a_title_of_its_own() -> None:
    assert stated_events() == set(event_types().values())
    assert len({stated.title for stated in event_types().values()}) == len(event_types())
    for name, title in titles().items():
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", name), name
        assert title[0].isupper(), name
        assert "_" not in title
        assert "." not in title


def test_every_event_is_published() -> None:
    """Each stands in a call in its app's services; events of several kinds go through one function of theirs."""
    used = {
        node.id for path, tree in sources() if path.name != "events.py" or "services" in path.parts
        for node in ast.walk(tree) if isinstance(node, ast.Name)
    }  # fmt: skip
    assert {stated.__name__ for stated in event_types().values()} <= used


PLAIN = {UUID, str, int, bool, datetime, Decimal, type(None)}


def plain(annotation: object) -> bool:
    """Whether values of a type are ids, text, numbers, instants, flags, or tuples or frozen dataclasses of these."""
    if isinstance(annotation, types.UnionType):
        return all(plain(part) for part in typing.get_args(annotation))
    if typing.get_origin(annotation) is tuple:
        return all(part is Ellipsis or plain(part) for part in typing.get_args(annotation))
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        hints = typing.get_type_hints(annotation)
        frozen = annotation.__dataclass_params__.frozen  # type: ignore[attr-defined]
        return frozen and all(plain(hints[field.name]) for field in dataclasses.fields(annotation))
    return annotation in PLAIN


@pytest.mark.parametrize("event_type", event_types().values(), ids=lambda one: one.__name__)
def test_events_are_typed(event_type: type[DomainEvent]) -> None:
    assert plain(event_type), f"{event_type} holds something that is not plain, or is not frozen"
    assert event_type.__doc__
    assert not event_type.__doc__.startswith(f"{event_type.__name__}(")
    assert event_type.VERSION >= 1
    model, field = event_type.SUBJECT
    assert model in {one._meta.model_name for one in apps.get_models()}
    assert typing.get_type_hints(event_type)[field] is UUID
    amounts = [name for name, hint in typing.get_type_hints(event_type).items() if hint is Decimal]
    assert not amounts or "credit_type_id" in typing.get_type_hints(event_type), "amounts need their unit"


@pytest.mark.parametrize("event_type", event_types().values(), ids=lambda one: one.__name__)
def test_no_id_is_shown_to_people(event_type: type[DomainEvent]) -> None:
    """Nor an amount without its unit: what a timeline shows of an event is words, instants and counts."""
    columns = {event_type.SUBJECT[1], "customer_id", "occurred_at"}
    for name, hint in typing.get_type_hints(event_type).items():
        if name not in columns and hint in (UUID, UUID | None, Decimal):
            assert name in registry.hidden_details(), f"{event_type.__name__}.{name}"


# --- reactions --------------------------------------------------------------------------------------------------------


def test_reactions_take_the_event_that_they_follow() -> None:
    for reaction in REACTIONS:
        assert reaction.event_type in event_types().values()
        [taken] = inspect.signature(reaction.handler).parameters
        hint = typing.get_type_hints(reaction.handler)[taken]
        if reaction.is_for_all:
            [hint] = typing.get_args(hint)
        assert issubclass(reaction.event_type, hint)


def test_every_reaction_that_services_offer_is_in_the_table() -> None:
    offered = set()
    for path, tree in sources():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and re.match(r"Reaction\b", ast.get_docstring(node) or ""):
                offered.add(getattr(module_of(path), node.name))
    assert offered == {reaction.handler for reaction in REACTIONS}
