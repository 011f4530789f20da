import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.clock import now
from core.errors import InvalidInput
from core.registry import ROLES
from core.staff import OWNER, ensure_roles, ensure_staff


class Command(BaseCommand):
    help = (
        "Makes the groups finance and support with their permissions, and a person in one of them. Idempotent: "
        "run it again to change somebody's role or password. Without a name it only makes the groups."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", nargs="?")
        parser.add_argument("--role", choices=[*ROLES, OWNER], default="support", help="owner may do everything")
        parser.add_argument("--password", help="without it a new person gets a random one, printed once")
        parser.add_argument("--name", default="", help="first and last name")
        parser.add_argument("--email", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["username"]:
            ensure_roles()
            self.stdout.write(f"Groups: {', '.join(ROLES)}")
            return
        try:
            done = self._ensure(options, options["password"])
        except InvalidInput as error:
            raise CommandError(error.message) from error
        if done.created and not options["password"]:
            password = secrets.token_urlsafe(12)
            self._ensure(options, password)
            self.stdout.write(f"{done.username} ({done.role}) signs in with password {password}")
        else:
            self.stdout.write(f"{done.username} ({done.role}) {'made' if done.created else 'updated'}")

    @staticmethod
    def _ensure(options: dict[str, Any], password: str | None) -> Any:
        return ensure_staff(
            username=options["username"],
            role=options["role"],
            password=password,
            full_name=options["name"],
            email=options["email"],
            now=now(),
        )
