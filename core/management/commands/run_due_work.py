from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.api.fields import parse_instant
from core.clock import now
from core.sweeps import run_due_work


class Command(BaseCommand):
    help = "Does all work that is due, here and now, for cron users and tests: the worker's own sweeps."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until", help="do what is due up to this RFC 3339 time instead of now")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            until = parse_instant(options["until"]) if options["until"] else None
        except ValueError as error:
            raise CommandError(f"--until {error}") from error
        total = run_due_work(clock=(lambda: until) if until else now)
        self.stdout.write(f"{total} done")
