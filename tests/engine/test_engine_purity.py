"""The engine's source keeps its promise: no floats, no clock, no I/O, nothing but itself and the standard library."""

import ast
import sys
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[2] / "engine"
SOURCES = sorted(ENGINE.rglob("*.py"))
BANNED_CALLS = {"float", "now", "utcnow", "today", "open", "print", "round", "input", "eval", "exec"}
BANNED_MODULES = {
    "time",
    "random",
    "os",
    "io",
    "pathlib",
    "socket",
    "subprocess",
    "math",
    "statistics",
    "logging",
    "threading",
}


def called(node: ast.Call) -> str:
    """The last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def offences(source: str) -> list[str]:
    """What in this source breaks the promise."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(f"{node.lineno}: float literal {node.value}")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            found.append(f"{node.lineno}: division outside engine.money.divide")
        if isinstance(node, ast.Call) and called(node) in BANNED_CALLS:
            found.append(f"{node.lineno}: call of {called(node)}")
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            root = name.partition(".")[0]
            if root in BANNED_MODULES or (root != "engine" and root not in sys.stdlib_module_names):
                found.append(f"{node.lineno}: import of {name}")
    return found


def test_there_is_an_engine() -> None:
    assert {"money.py", "calendar.py", "usage.py", "rating.py", "invoice.py"} <= {path.name for path in SOURCES}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_engine_is_pure(path: Path) -> None:
    assert offences(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "x = 0.5",
        "x = float('1')",
        "datetime.now(UTC)",
        "date.today()",
        "import django",
        "from time import time",
        "a / b",
    ],
)
def test_the_guard_sees(source: str) -> None:
    assert offences(source)


def test_files_stay_small() -> None:
    assert {path.name: lines for path in SOURCES if (lines := len(path.read_text().splitlines())) > 400} == {}
