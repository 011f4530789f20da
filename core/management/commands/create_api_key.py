from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.clock import now
from core.keys import create_api_key


class Command(BaseCommand):
    help = "Creates an API key and prints it. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--scope", action="append", dest="scopes", help="may be repeated; default: everything (*)")

    def handle(self, *args: Any, **options: Any) -> None:
        _, secret = create_api_key(name=options["name"], scopes=options["scopes"] or ["*"], now=now())
        self.stdout.write(secret)
