from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.clock import now
from core.keys import create_api_key


class Command(BaseCommand):
    help = "Creates an API key and prints it. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--scope", action="append", dest="scopes", help="may be repeated; default: everything (*)")
        parser.add_argument(
            "--adjustment-limit",
            metavar="USD",
            help="what it may give or take without a second person, at once and within 24 hours; default: no limit",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _, secret = create_api_key(
            name=options["name"],
            scopes=options["scopes"] or ["*"],
            adjustment_limit=_cents(options["adjustment_limit"]),
            now=now(),
        )
        self.stdout.write(secret)


def _cents(usd: str | None) -> Decimal | None:
    if usd is None:
        return None
    try:
        limit = Decimal(usd)
    except InvalidOperation:
        limit = Decimal("NaN")
    if not limit.is_finite() or not 0 <= limit < Decimal("1e15"):
        raise CommandError("--adjustment-limit must be an amount of USD, 0 or more")
    return limit.scaleb(2)
