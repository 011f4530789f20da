"""Texts that people write into services."""

from core.errors import InvalidInput


def checked_text(value: str, *, field: str, longest: int) -> str:
    """Without the space around it. Raises InvalidInput for more than `longest` characters, and for a NUL."""
    text = value.strip()
    if len(text) > longest:
        raise InvalidInput(f"must have at most {longest:,} characters", field=field)
    if "\x00" in text:
        raise InvalidInput("cannot contain NUL", field=field)
    return text
