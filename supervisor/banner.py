"""The last thing a start prints: where to look."""

from collections.abc import Mapping
from typing import Any

from supervisor.place import Place


def banner(state: Mapping[str, object], credentials: Mapping[str, Any], place: Place, seconds: float) -> str:
    """Addresses, logins and the API key of a running installation, as text for people."""
    url = state["public_url"]
    logins: Mapping[str, str | None] = credentials.get("logins", {})
    rows = [("Back office", f"{url}/admin/")]
    rows += [("", f"{name} / {password or '(the password you set)'}") for name, password in logins.items()]
    children = state.get("children", {})
    if isinstance(children, dict) and "demo-host" in children:
        rows.append(("Demo page", f"{state['demo_host_url']}/   the console, embedded in somebody else's site"))
    rows += [
        ("API", f"{url}/v1"),
        ("", f"Authorization: Bearer {credentials.get('api_key', '(manage.py create_api_key NAME)')}"),
    ]
    rows.append(
        ("Test clocks", "manage.py test_clock create NAME   a customer's year in a minute (docs/guides/test-clocks.md)")
    )
    rows += [("API pages", f"{url}/openapi.json"), ("Logs, data", str(place.var))]
    width = max(len(label) for label, _ in rows)
    lines = [f"  {label:<{width}}   {text}" for label, text in rows]
    rule = "-" * 78
    return "\n".join(["", rule, f"  Tactus is ready ({seconds:.1f} s). Ctrl-C stops it.", "", *lines, rule, ""])
