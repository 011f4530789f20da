import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.clock import now
from usage import services


class Command(BaseCommand):
    help = "Adds up what came in: once, or with --every in a loop, as a roller of its own beside the workers'."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=int, metavar="MS", help="go on for ever, this many milliseconds apart")

    def handle(self, *args: Any, **options: Any) -> None:
        while True:
            done = services.roll_usage(now=now())
            if options["every"] is None:
                self.stdout.write(f"{done} events")
                return
            time.sleep(options["every"] / 1000)
