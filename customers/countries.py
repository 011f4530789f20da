"""The world's countries by their two letters, with English names (CLDR's, by way of Babel)."""

from typing import Final

from babel import Locale

_NO_COUNTRIES: Final = frozenset(
    {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}
)
"""What CLDR knows besides the 249 of ISO 3166: groups of countries, parts of them, and placeholders."""

COUNTRIES: Final[dict[str, str]] = {
    code: name
    for code, name in sorted(Locale("en").territories.items(), key=lambda one: one[1])
    if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
}
"""ISO 3166 code -> English name, by name."""
