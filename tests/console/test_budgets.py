"""What a first look costs to load, gzipped."""

import gzip
from pathlib import Path

from tests.console.conftest import Funded

ROOT = Path(__file__).resolve().parents[2]


def weight(*patterns: str) -> int:
    files = [file for pattern in patterns for file in ROOT.glob(f"static/{pattern}")]
    assert files, patterns
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def test_scripts_and_styles_stay_small() -> None:
    assert weight("vendor/htmx-2*.js", "js/console.js", "js/chart.js") <= 30_000
    assert weight("css/console.css") <= 15_000
    assert weight("js/tactus-embed.js") <= 4_000


def test_the_page_of_credits_is_light(funded: Funded) -> None:
    token = funded.token()
    sizes = {
        panel: len(gzip.compress(funded.get(f"/console/{panel}", token).content, 9))
        for panel in ("credits", "panels/credits/burn-down", "panels/credits/grants", "panels/credits/ledger")
    }
    assert max(sizes.values()) <= 10_000, sizes


def test_the_vendored_htmx_is_the_one_of_the_wheel() -> None:
    import django_htmx

    wheel = Path(django_htmx.__file__).parent / "static/django_htmx/htmx-2.min.js"
    assert (ROOT / "static/vendor/htmx-2.0.10.min.js").read_bytes() == wheel.read_bytes()
