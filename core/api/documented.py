"""Names of the fields that requests of Metronome's API may have: its published description, and its SDK.

A body that holds one which its route does not carry out is refused; keys that nobody knows are ignored.
"""

from importlib.resources import files
from typing import Final

DOCUMENTED: Final = frozenset(files(__package__).joinpath("documented.txt").read_text(encoding="utf-8").split())
"""A line each in documented.txt."""
