from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.clock import now
from core.errors import InvalidInput
from core.password_links import print_link


class Command(BaseCommand):
    help = "Prints a link with which somebody sets their own password once. Audited; who has the link has the account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(print_link(username=options["username"], now=now()))
        except InvalidInput as error:
            raise CommandError(error.message) from error
