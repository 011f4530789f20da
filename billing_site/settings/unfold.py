"""The back office's skin (django-unfold) in Tactus's colours: static/css/admin.css has the rest.

The scales are the tokens of the console (`--accent`, `--text`, `--surface` …) spread over the steps that unfold asks
for.
"""

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Tactus",
    "SITE_HEADER": "Tactus",
    "SITE_SUBHEADER": "Back office",
    "SITE_SYMBOL": "receipt_long",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "backoffice.navigation.favicon"}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "ENVIRONMENT": "backoffice.navigation.environment",
    "STYLES": ["backoffice.navigation.stylesheet"],
    "SCRIPTS": ["backoffice.navigation.script"],
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": "backoffice.navigation.sidebar",
    },
    "COLORS": {
        "base": {
            "50": "#f6f7f5",
            "100": "#eef0ec",
            "200": "#dfe3dc",
            "300": "#c3c9be",
            "400": "#8d978f",
            "500": "#57635c",
            "600": "#435048",
            "700": "#343f39",
            "800": "#2a332e",
            "900": "#171d1a",
            "950": "#0c100e",
        },
        "primary": {
            "50": "#f0f7f4",
            "100": "#e2efe9",
            "200": "#c3ded2",
            "300": "#9bcab6",
            "400": "#83d3b3",
            "500": "#6fcaa6",
            "600": "#14624a",
            "700": "#104f3c",
            "800": "#0d3f30",
            "900": "#0a3226",
            "950": "#062019",
        },
        "font": {
            "subtle-light": "#57635c",
            "subtle-dark": "#a2aea7",
            "default-light": "#33403a",
            "default-dark": "#cfd8d2",
            "important-light": "#16201b",
            "important-dark": "#e8ede9",
        },
    },
}
