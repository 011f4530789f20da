"""What the keys and values that usage is grouped by are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GroupNames:
    """What the host of a console calls group keys and their values; empty: as they were sent."""

    keys: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """A group key in the host's words, or itself in a person's: `cache_hit` -> `cache hit`."""
        return self.keys.get(name) or name.replace("_", " ")

    def value(self, name: str, value: str | None) -> str:
        """A value of group key `name` in the host's words; a missing one is said to be missing."""
        if value is None:
            return f"no {self.key(name)}"
        return self.values.get(name, {}).get(value, value)

    def told(self, name: str, value: str | None) -> str:
        """A value, with its key's name where it says nothing by itself (true, 4, eu)."""
        text = self.value(name, value)
        speaks = value is None or (len(text) > 3 and not text.isdecimal() and text.lower() not in ("true", "false"))
        return text if speaks else f"{self.key(name)} {text}"
