"""Names in every script on a PDF: they can be read by people and programs, wherever it was made."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from billing.types import InvoiceView, Party
from invoices import pdf
from invoices.pdf import FONT_PACKAGES, render_invoice
from tests.invoices.test_pdf import invoice, line

poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
packaged = pytest.mark.skipif(
    not all(find_spec(name) for name in FONT_PACKAGES), reason="the font packages are not installed"
)
NAMES = {
    "Chinese": "北京科技有限公司",
    "traditional": "臺灣聯發股份",
    "Japanese": "東京ソフト株式会社",
    "Korean": "서울소프트",
    "Thai": "บริษัทไทย",
    "Hebrew": "חברה",
    "Devanagari": "कंपनी",
}


def text_of(content: bytes, folder: Path, *more: str) -> str:
    file = folder / "invoice.pdf"
    file.write_bytes(content)
    return subprocess.run(
        ["pdftotext", *more, str(file), "-"], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def ink(content: bytes, folder: Path) -> int:
    """How many pixels of the first page are not white."""
    file = folder / "invoice.pdf"
    file.write_bytes(content)
    command = ["pdftoppm", "-r", "60", "-gray", "-f", "1", "-l", "1", str(file)]
    image = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    return sum(pixel < 200 for pixel in image.split(b"\n", 3)[3])


def named(name: str) -> InvoiceView:
    return invoice([line("API calls", "1", "2")], buyer=Party(name), contract_name="Plan")


@poppler
@packaged
def test_a_name_in_any_script_is_there_for_readers_and_programs(tmp_path: Path) -> None:
    content = render_invoice(invoice([line(name, "1", "2") for name in NAMES.values()]))
    assert b"pdfuaid" in content
    text = text_of(content, tmp_path)
    for script in ("Chinese", "traditional", "Japanese", "Korean", "Thai"):
        assert NAMES[script] in text, script


@poppler
@pytest.mark.parametrize("script", ["Chinese", "Korean", "Thai"])
@pytest.mark.parametrize("fonts", [pytest.param(True, marks=packaged), False])
def test_a_name_leaves_ink_whatever_fonts_there_are(
    script: str, fonts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fonts:  # a server without any font of its own
        own = pdf.typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(pdf.TEMPLATES / "fonts")]
        )
        monkeypatch.setattr(pdf, "_fonts", lambda **_: own)
    without = ink(render_invoice(named("A")), tmp_path)
    assert ink(render_invoice(named("A" + NAMES[script])), tmp_path) > without + 10 * len(NAMES[script])


@poppler
def test_an_ellipsis_stays_on_the_line_of_its_figure(tmp_path: Path) -> None:
    lines = [line("Tokens", "2291.796275441234", "0.000123456789"), line("Batch", "0.333333333333", "3")]
    words = re.findall(
        r'yMin="([^"]+)"[^>]*>([^<]+)</word>', text_of(render_invoice(invoice(lines)), tmp_path, "-bbox")
    )
    at = {word: y for y, word in words}
    assert at["2,291.79627544…"] == at["0.00000123456789"]
    assert at["0.33333333…"] == at["0.03"]
