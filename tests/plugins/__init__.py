"""pytest plugins of our own, loaded by name from pyproject.toml."""
