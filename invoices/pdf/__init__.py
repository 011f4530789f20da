"""An invoice as a PDF: tagged (PDF/UA-1), archivable (PDF/A-2a), and the same bytes for the same invoice.

`document` decides what is said, templates/invoices/invoice.typ how it looks. Names come from customers: they travel as
JSON data and never become typst source.
"""

import json
import logging
from datetime import UTC, datetime, time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import typst

from billing.types import InvoiceView
from invoices.pdf.document import invoice_document

logger = logging.getLogger(__name__)

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "templates" / "invoices"
FONT_PACKAGES: Final = ("manimgx_fonts", "manimgx_fonts_cjk")
"""Python packages of Noto fonts: most scripts, and Chinese, Japanese and Korean."""
STANDARDS: Final[list["typst.PDFStandard"]] = ["ua-1", "a-2a"]


def render_invoice(view: InvoiceView) -> bytes:
    """The PDF of `view`, document amounts and all. It was created on the document's date (a draft: `as_of`), not today.

    Latin, Greek and Cyrillic are set in the fonts beside the template, other scripts in those of `FONT_PACKAGES`, so
    the result does not depend on the machine. What neither has is looked for in the server's fonts; a character that no
    font has is shown as a box, and such a document is tagged but claims no standard. Raises typst.TypstError for a
    broken template, never for data.
    """
    data = json.dumps(invoice_document(view), ensure_ascii=False)
    for system_fonts, standards in ((False, STANDARDS), (True, STANDARDS)):
        try:
            return _compile(view, data, system_fonts=system_fonts, standards=standards)
        except typst.TypstError as error:
            # A standard refuses characters without a glyph: ask the machine's fonts, then do without the standard.
            logger.info("invoice %s: %s", view.id, error)
    logger.warning("invoice %s: no font on this machine has all its characters; some are shown as boxes", view.id)
    return _compile(view, data, system_fonts=True, standards=[])


def _compile(view: InvoiceView, data: str, *, system_fonts: bool, standards: list["typst.PDFStandard"]) -> bytes:
    issued = datetime.combine(view.document_date, time(), UTC) if view.document_date else None
    return typst.compile(
        TEMPLATES / "invoice.typ",
        root=TEMPLATES,
        font_paths=_fonts(system=system_fonts),
        sys_inputs={"invoice": data},
        pdf_standards=standards,
        timestamp=issued or view.as_of.astimezone(UTC).replace(microsecond=0),
    )


@cache
def _fonts(*, system: bool) -> typst.Fonts:
    """Read once per process; a font file is only opened where it is used."""
    packages = [find_spec(name) for name in FONT_PACKAGES]
    folders = [str(path) for spec in packages if spec for path in spec.submodule_search_locations or ()]
    return typst.Fonts(
        include_system_fonts=system,
        include_embedded_fonts=system,
        font_paths=[str(TEMPLATES / "fonts"), *folders],
    )
