"""Every rule of the engine is one that production calls: a rule that only its own test calls proves nothing."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APART = {"tests", "bench", "engine"}
Name = tuple[str, str]
"""Of a module and of what it defines."""


def imported(tree: ast.Module) -> dict[str, Name]:
    """What a module takes from the engine, by the name that it has there."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "engine"
        for alias in node.names
    }


def defined(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """The functions, classes and constants at the top of a module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            yield from ((target.id, node) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node


def unused(engine: Mapping[str, ast.Module], production: Iterable[ast.Module]) -> set[Name]:
    """The engine's public names that production neither imports nor reaches through what it imports."""
    definitions = {(module, name): node for module, tree in engine.items() for name, node in defined(tree)}
    imports = {module: imported(tree) for module, tree in engine.items()}

    def origin(module: str, name: str) -> Name | None:
        """Where a name comes from that the module defines or passes on."""
        if (module, name) in definitions:
            return module, name
        further = imports.get(module, {}).get(name)
        return further and origin(*further)

    waiting = [origin(*source) for tree in production for source in imported(tree).values()]
    reached: set[Name] = set()
    while waiting:
        found = waiting.pop()
        if found is None or found in reached:
            continue
        reached.add(found)
        for node in ast.walk(definitions[found]):
            if isinstance(node, ast.Name):
                waiting.append(origin(found[0], node.id))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # an annotation in quotes
                waiting.append(origin(found[0], node.value))
    return {name for name in definitions.keys() - reached if not name[1].startswith("_")}


def production_modules() -> list[ast.Module]:
    packages = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in APART]
    assert packages
    return [ast.parse(path.read_text()) for package in packages for path in package.rglob("*.py")]


def test_production_calls_every_rule_of_the_engine() -> None:
    engine = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text())
        for path in (ROOT / "engine").rglob("*.py")
    }
    assert not unused(engine, production_modules())


def test_a_rule_that_only_other_unused_rules_call_is_found() -> None:
    engine = {
        "engine.a": ast.parse("def used(): return _helper()\ndef _helper(): return LIMIT\nLIMIT = 1\nDEAD = 2"),
        "engine.b": ast.parse("from engine.a import used\ndef dead(): return also()\ndef also(): return used()"),
        "engine.c": ast.parse("from engine.a import used"),
    }
    production = [ast.parse("from engine.c import used as it")]
    assert unused(engine, production) == {("engine.a", "DEAD"), ("engine.b", "dead"), ("engine.b", "also")}
