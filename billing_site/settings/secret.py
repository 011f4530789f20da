"""The development SECRET_KEY: generated once, kept next to the development data, readable by its owner only."""

import os
import secrets
from pathlib import Path


def secret_key_in(var_dir: Path) -> str:
    """Return the key in `var_dir/secret_key`, making it first if need be. Several processes may do so at once."""
    path = var_dir / "secret_key"
    if not path.exists():
        var_dir.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"secret_key.{os.getpid()}")
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(scratch, path)
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    return path.read_text(encoding="ascii").strip()
