"""Where a comment sends its reader, there is something: paths and modules named in code are those of today."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
_ANY = "|".join([*PACKAGES, "docs", "templates"])
_PATH = re.compile(
    rf"(?<![\w/.])((?:{_ANY})(?:/[\w.-]+)*/[\w-]+\.(?:py|sql|md|html|typ)|(?:{_ANY})/(?:sql|migrations/\d+))\b"
)
_MODULE = re.compile(rf"(?<![\w/.\"'@-])({'|'.join(PACKAGES)})\.([a-z_]+)(?:\.[a-zA-Z_]+)+\b")


def paths_of(text: str) -> set[str]:
    return {found[1] for found in _PATH.finditer(text)}


def modules_of(text: str) -> set[str]:
    return {f"{found[1]}/{found[2]}" for found in _MODULE.finditer(text)}


def code() -> list[Path]:
    return [
        path
        for name in PACKAGES
        if name != "tests"
        for end in ("py", "sql")
        for path in (ROOT / name).rglob(f"*.{end}")
    ]


def is_there(path: str) -> bool:
    return (
        (ROOT / path).exists()
        or (ROOT / "templates" / path).exists()
        or (ROOT / f"{path}.py").exists()
        or any(ROOT.glob(f"{path}_*.py"))
    )


def test_paths_in_code_exist() -> None:
    gone = {f"{path.relative_to(ROOT)}: {name}" for path in code() for name in paths_of(path.read_text())}
    assert not sorted(line for line in gone if not is_there(line.split(": ")[1]))


def test_modules_in_code_exist() -> None:
    gone = {f"{path.relative_to(ROOT)}: {name}" for path in code() for name in modules_of(path.read_text())}
    assert not sorted(line for line in gone if not is_there(line.split(": ")[1]))


def test_what_is_gone_is_found() -> None:
    assert paths_of("a trigger (balances" + "/migrations/0004) refuses it") == {"balances/migrations/0004"}
    assert modules_of("see core.kept" + ".Changes") == {"core/kept"}
    assert not is_there("balances/migrations/0004")
    assert not is_there("core/kept")
    assert is_there("balances/sql")
    assert is_there("balances/migrations/0001")
