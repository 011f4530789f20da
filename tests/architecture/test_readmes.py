"""Each package says what it is in a README that is short; READMEs and ARCHITECTURE.md name only what there is."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES = 40
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("bench", "tests"))
READMES = [f"{name}/README.md" for name in PACKAGES] + ["core/postgres/README.md"]
# `name`, `name.name`, `folder/`: names of ours have an underscore, a dot or a capital inside
_NAME = re.compile(r"`([A-Za-z_][\w./]*)`")
_LINK = re.compile(r"\]\(([^)#]+)\)")


@cache
def words() -> frozenset[str]:
    """Every word of the code, and the name of every file and folder in it."""
    found: set[str] = set()
    for name in (*PACKAGES, "tests"):
        for path in (ROOT / name).rglob("*"):
            found.add(path.name)
            if path.suffix in (".py", ".sql"):
                found.add(path.stem)
                found.update(re.findall(r"\w+", path.read_text()))
    return frozenset(found | {path.name for path in ROOT.iterdir()})


@pytest.mark.parametrize("readme", READMES)
def test_a_package_says_what_it_is_in_few_lines(readme: str) -> None:
    lines = (ROOT / readme).read_text().splitlines()
    assert lines[0].startswith("# ")
    assert len(lines) <= LINES


@pytest.mark.parametrize("readme", [*READMES, "ARCHITECTURE.md"])
def test_what_a_readme_names_is_there(readme: str) -> None:
    text = (ROOT / readme).read_text()
    named = {part for name in _NAME.findall(text) for part in re.split(r"[./]", name) if part}
    assert not sorted(named - words() - {"py", "md", "yaml", "sql", "toml"})
    for link in _LINK.findall(text):
        assert ((ROOT / readme).parent / link).exists(), link


def test_a_name_that_is_gone_is_found() -> None:
    assert "compute_invoice" in words()
    assert "compute" + "_standing" not in words()
