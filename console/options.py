"""What a host may ask of an embedded view: filters, colours, names of groups. As `getEmbeddableUrl` takes them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from presentation.groups import GroupNames

DASHBOARDS: Final = {
    "invoices": ("invoices:read",),
    "usage": ("usage:read",),
    "commits_and_credits": ("credits:read", "invoices:read"),
    "credits": ("credits:read", "invoices:read"),
}
"""Metronome's dashboards and what each may read. A ledger names invoices, and links to them."""

HEX: Final = re.compile(r"\A#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")

COLORS: Final = {
    "Primary_medium": "--accent",
    "Action": "--accent",
    "Primary_green": "--ok",
    "Primary_red": "--bad",
    **{f"UsageLine_{n}": f"--c{n + 1}" for n in range(8)},
}
"""Metronome's colour names that have a token here. The greys follow the theme, so that text stays readable."""

IGNORED_COLORS: Final = frozenset(
    {
        "Gray_dark", "Gray_medium", "Gray_light", "Gray_extralight", "White", "Primary_light", "UsageLine_8",
        "UsageLine_9", "Progress_bar", "Progress_bar_background", "Action_hover",
    }
)  # fmt: skip


STAFF_VIEW = "staff_view"
"""The option of a session that staff opened: {"customer": name, "back": the address of the customer's page}."""


def group_names(options: Mapping[str, Any]) -> GroupNames:
    """The names that the session's options give."""
    found = options.get("groups", [])
    return GroupNames(
        keys={entry["key"]: entry["name"] for entry in found if entry["name"]},
        values={entry["key"]: entry["values"] for entry in found},
    )


def theme_of(color_overrides: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Token to colour: `{"--accent": "#123456"}`. On an overridden accent, text is black or white, whichever reads
    better.
    """
    theme = {COLORS[entry["name"]]: entry["value"] for entry in color_overrides if entry["name"] in COLORS}
    if "--accent" in theme:
        theme["--accent-contrast"] = "#000000" if luminance_per_mille(theme["--accent"]) > 179 else "#ffffff"
    return theme


def luminance_per_mille(color: str) -> int:
    """WCAG relative luminance of `#rgb` or `#rrggbb`, in thousandths. Above 179, black has the higher contrast."""
    digits = color[1:]
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    weighted = sum(weight * _linear(int(digits[at : at + 2], 16)) for weight, at in ((2126, 0), (7152, 2), (722, 4)))
    return round(weighted / 10_000_000)


def _linear(channel: int) -> int:
    """One sRGB channel (0 to 255) as linear light in millionths."""
    share = channel * 1_000_000 // 255
    if share <= 40_450:
        return share * 100 // 1292
    return round(((share / 1_000_000 + 0.055) / 1.055) ** 2.4 * 1_000_000)
