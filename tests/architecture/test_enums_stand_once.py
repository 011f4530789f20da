"""An enum stands once, in `engine` where the engine knows it; models take its values as choices (core.fields)."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALIKE = {
    frozenset({"DRAFT", "FINALIZED", "VOID"}): "balances stand below invoices, and note the status of a charge's",
}
"""Enums that may have the same members, and why."""


def enums(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """Enums of a module with the names of their members, those inside of other classes too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            if any(ast.unparse(base).endswith(("Enum", "Choices", "Flag")) for base in node.bases):
                assigned = [part.targets[0] for part in node.body if isinstance(part, ast.Assign)]
                yield inside + node.name, frozenset(name.id for name in assigned if isinstance(name, ast.Name))
            yield from enums(node, f"{inside}{node.name}.")


def alike(modules: dict[str, ast.Module]) -> list[list[str]]:
    """Enums that have the same members, by members."""
    found: dict[frozenset[str], list[str]] = {}
    for module, tree in modules.items():
        for name, members in enums(tree):
            found.setdefault(members, []).append(f"{module}.{name}")
    return [names for members, names in found.items() if len(names) > 1 and members not in ALIKE]


def test_no_two_enums_have_the_same_members() -> None:
    packages = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"]
    paths = [path.relative_to(ROOT) for package in packages for path in package.rglob("*.py")]
    sources = [path for path in paths if "migrations" not in path.parts]
    assert sources
    modules = {".".join(path.with_suffix("").parts): ast.parse((ROOT / path).read_text()) for path in sources}
    assert not alike(modules)


def test_a_second_enum_with_the_same_members_is_found() -> None:
    first = ast.parse('class Kind(StrEnum):\n    A = "A"\n    B = "B"\nclass Other(StrEnum):\n    A = "A"')
    second = ast.parse('class Row(Model):\n    class Type(models.TextChoices):\n        B = "B", "b"\n        A = "A"')
    assert alike({"engine.kinds": first, "rows.models": second}) == [["engine.kinds.Kind", "rows.models.Row.Type"]]
