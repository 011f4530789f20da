"""Guards what linters cannot see: the five laws of ARCHITECTURE.md."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from core.fields import ExactDecimalField

ROOT = Path(__file__).resolve().parents[2]
APPS = (
    "core", "presentation", "customers", "catalog", "usage", "contracts", "charges", "balances", "billing",
    "reservations", "invoices", "plans", "console",
)  # fmt: skip
OURS = [model for model in apps.get_models() if model._meta.app_label in APPS and model._meta.managed]
# What belongs to a row and dies with it; everything else that refers to money is protected.
OWNED = {("AccessToken", "session"), ("DownloadLink", "session"), ("IdempotentRequest", "api_key")}


def sources(*patterns: str) -> Iterator[tuple[Path, ast.Module]]:
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if ".venv" not in path.parts}
    assert found, patterns
    for path in sorted(found):
        yield path, ast.parse(path.read_text())


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


# Where HTTP, Celery, the shell and Django's admin come in: they read the clock and speak the wire's language.
EDGES = {"api", "admin", "management", "migrations", "templatetags", "demo_host"}
EDGE_FILES = {"api.py", "admin.py", "tasks.py", "views.py", "auth.py", "middleware.py", "clock.py"}


def inner(*apps: str) -> Iterator[tuple[Path, ast.Module]]:
    """The modules of these apps below views, tasks and commands."""
    for path, tree in sources(*(f"{app}/**/*.py" for app in apps)):
        if path.name not in EDGE_FILES and not EDGES & set(path.relative_to(ROOT).parts):
            yield path, tree


def test_no_float_stands_where_money_is() -> None:
    for path, tree in inner("engine", *(app for app in APPS if app not in ("core", "console"))):
        for name, node in calls(tree):
            assert name not in ("float", "models.FloatField", "FloatField"), f"{path}:{node.lineno}"
    for model in OURS:
        assert not [f for f in model._meta.get_fields() if isinstance(f, models.FloatField)], model


def test_time_is_an_argument_below_views_tasks_and_commands() -> None:
    for path, tree in inner("engine", *APPS):
        for name, node in calls(tree):
            assert not re.fullmatch(r"(.*\.)?(datetime\.now|utcnow|timezone\.now|clock\.now|now|date\.today)", name), (
                f"{path}:{node.lineno}"
            )


def test_there_is_one_way_to_an_amount() -> None:
    """Only `billing.compute` composes invoices: whoever went past it could leave out charges, balances, or both."""
    inside = {"composition.py", "open_periods.py", "compute.py"}
    engine = {"compose_usage_invoice", "breakdown"}
    for path, tree in sources(*(f"{app}/**/*.py" for app in (*APPS, "backoffice", "demo"))):
        imported = {
            (node.module, name.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        }
        within = path.parent == ROOT / "billing" and path.name in inside
        composing = {name for module, name in imported if module == "engine.invoice"} & engine
        composing |= {name for module, name in imported if module == "billing.composition"}
        assert not composing or within, path
        # what open periods leave of balances, those of today and those with one more, is a question of its own
        account = {name for module, name in imported if module == "billing.open_periods"}
        asking = {ROOT / "billing/selectors/live_balances.py", ROOT / "billing/selectors/with_balance.py"}
        assert not account or within or path in asking, path


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_exact_columns_refuse_nan(model: type[models.Model]) -> None:
    exact = {field.name for field in model._meta.local_fields if isinstance(field, ExactDecimalField)}
    guarded = {name for constraint in model._meta.constraints if isinstance(constraint, models.CheckConstraint)
               for name in exact if f"('{name}', 'NaN')" in repr(constraint.condition)}  # fmt: skip
    assert exact == guarded


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_foreign_keys_protect_what_they_point_at(model: type[models.Model]) -> None:
    for field in model._meta.local_fields:
        if isinstance(field, models.ForeignKey) and (model.__name__, field.name) not in OWNED:
            assert field.remote_field.on_delete is models.PROTECT, field


def test_services_take_keywords_only() -> None:
    for app in APPS:
        for path in [*ROOT.glob(f"{app}/services.py"), *ROOT.glob(f"{app}/services/*.py")]:
            module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if name.startswith("_") or function.__module__ != module.__name__:
                    continue
                loose = [
                    p.name for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY
                ]
                # A part of a use case takes the locked object, a reaction its event, as its one positional argument.
                assert len(loose) <= 1 or name == "content_hash", f"{module.__name__}.{name}{loose}"


def test_nothing_reads_events_outside_the_store() -> None:
    for path, _ in sources(*(f"{app}/**/*.py" for app in APPS if app != "usage"), "usage/*.py"):
        if "migrations" not in path.parts and path.name not in ("models.py", "admin.py"):
            assert "UsageEvent" not in path.read_text(), path


def test_console_templates_have_no_inline_script_or_style() -> None:
    for path in [
        *ROOT.glob("templates/base/**/*.html"),
        *ROOT.glob("templates/console/**/*.html"),
        *ROOT.glob("templates/components/**/*.html"),
    ]:
        assert not re.search(
            r'\sstyle="|<style|<script(?![^>]*\ssrc=)|\son[a-z]+="|hx-on|javascript:', path.read_text()
        ), path


def test_modules_stay_small() -> None:
    for path, _ in sources(*(f"{app}/**/*.py" for app in (*APPS, "engine", "billing_site"))):
        if "migrations" not in path.parts:
            assert len(path.read_text().splitlines()) <= 450, path


SESSION_STATE = re.compile(
    r"""(?:["']|;\s?)SET\ (?!LOCAL|TRANSACTION)\w+\ (?:=|TO)
    | pg_(?:try_)?advisory_(?:un)?lock(?:_shared)?\(
    | (?:["']|;\s?)(?:PREPARE|DEALLOCATE|DISCARD|LISTEN)[ ]
    | CREATE\ TEMP | WITH\ HOLD | set_config\([^)]*false\)""",
    re.VERBOSE,
)
# Locks on a connection of its own; prepares nothing behind a pooler. See docs/guides/connection-pooler.md.
MAY_KEEP_STATE = ("core/postgres/locks.py", "usage/store/postgres/prepared_statements.py")


def test_no_state_is_left_on_a_session() -> None:
    found = set()
    for path, _ in sources(*(f"{app}/**/*.py" for app in (*APPS, "engine", "billing_site"))):
        if "migrations" not in path.parts:
            found |= {(str(path.relative_to(ROOT)), match[0]) for match in SESSION_STATE.finditer(path.read_text())}
    assert {path for path, _ in found} == set(MAY_KEEP_STATE), found


READING = {"explanation_from_json", "StoredExplanation"}


def node_name(node: ast.Name | ast.alias) -> str:
    return node.id if isinstance(node, ast.Name) else node.name


def test_nobody_reads_an_explanation_but_by_its_fields() -> None:
    """Stored explanations are read by one module, and no sentence is taken apart again."""
    readers = set()
    for path, tree in sources("*/*.py", "*/*/*.py", "*/*/*/*.py"):
        if path.is_relative_to(ROOT / "tests") or path.is_relative_to(ROOT / "bench"):
            continue
        inside = path.relative_to(ROOT).as_posix()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.alias) and node_name(node) in READING:
                readers.add(inside)
            if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.value, ast.Attribute):
                assert node.value.attr != "stored_explanation", f"{path}:{node.lineno}"
    assert {reader.partition("/")[0] for reader in readers} <= {"engine", "billing", "invoices"}
    assert len(readers) <= 3, readers


def test_sentences_are_made_and_never_parsed() -> None:
    taking_apart = {"partition", "rpartition", "split", "rsplit", "removeprefix", "removesuffix", "startswith"}
    for path, tree in sources("presentation/explanation/*.py"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {getattr(node, "module", ""), *(alias.name for alias in node.names)}
                assert "re" not in names, f"{path}:{node.lineno}"
        for name, node in calls(tree):
            assert name.rpartition(".")[2] not in taking_apart, f"{path}:{node.lineno}"
