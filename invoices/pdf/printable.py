"""Text that is safe to set."""

import re
import unicodedata
from typing import Final

# Directional overrides and isolates can make a name reverse the figures after it; a byte order mark is not text.
_UNPRINTABLE: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """`text` on one line, without the control characters, half surrogates and non-characters that no font can show."""
    visible = (
        char for char in _UNPRINTABLE.sub("", " ".join(text.split())) if unicodedata.category(char) not in ("Cc", "Cs")
    )
    return "".join(char for char in visible if ord(char) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(char) <= 0xFDEF)
