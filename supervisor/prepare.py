"""What must be true before the web server starts: `python -m supervisor.prepare VAR`, one process for all
of it.

Migrates, loads the demo data once, makes the logins and the API key that the banner shows. Repeating it changes
nothing. Secrets that exist only as hashes in the database are remembered in VAR/credentials.json (mode 0600). The last
line printed is a JSON object for the supervisor: {"commands": [names of all management commands]}.
"""

import io
import json
import os
import secrets
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command, get_commands
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from supervisor.files import read_json, write_private

# Account and role; owners are superusers, and two of them decide about accounts.
STAFF = {"finance": "finance", "support": "support", "owner": "owner", "owner2": "owner"}


def main() -> None:
    """Do all of it, in order."""
    credentials_file = Path(sys.argv[1]) / "credentials.json"
    django.setup()
    commands = set(get_commands())
    # Where `collectstatic` would put files; the web server warns where it is missing.
    Path(settings.STATIC_ROOT or ".").mkdir(parents=True, exist_ok=True)
    migrate()
    if "load_demo" in commands and os.environ.get("TACTUS_DEMO", "1") != "0":
        call_command("load_demo", once=True)
    credentials = read_json(credentials_file)
    before = json.dumps(credentials)
    credentials["logins"] = {
        name: ensure_login(name, role, credentials.get("logins", {}).get(name)) for name, role in STAFF.items()
    }
    credentials["api_key"] = ensure_api_key(credentials.get("api_key"))
    if json.dumps(credentials) != before:
        write_private(credentials_file, json.dumps(credentials, indent=1))
    print(json.dumps({"commands": sorted(commands)}))


def migrate() -> None:
    """Apply what is not applied. Asking first is faster than Django's command, which re-checks all permissions."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        print(f"applying {len(plan)} migrations")
        call_command("migrate", interactive=False, verbosity=0)
        # New tables bring new permissions: give the roles theirs.
        call_command("create_staff", stdout=io.StringIO())


def ensure_login(name: str, role: str, remembered: str | None) -> str | None:
    """Password of the back-office account `name`, made where it is missing; None where somebody has changed it."""
    from django.contrib.auth.models import User  # noqa: PLC0415  # models exist after django.setup() only

    user = User.objects.filter(username=name).first()
    if user is not None:
        return remembered if remembered and user.check_password(remembered) else None
    password = remembered or secrets.token_urlsafe(9)
    call_command("create_staff", name, role=role, password=password, email=f"{name}@example.com", stdout=io.StringIO())
    return password


def ensure_api_key(remembered: str | None) -> str:
    """A live API key: the remembered one, or a new one."""
    from core.clock import now  # noqa: PLC0415  # models exist after django.setup() only
    from core.keys import find_live_key  # noqa: PLC0415

    if remembered and find_live_key(remembered, now=now()):
        return remembered
    output = io.StringIO()
    call_command("create_api_key", "make run", stdout=output)
    return output.getvalue().strip().splitlines()[-1].strip()


if __name__ == "__main__":
    main()
