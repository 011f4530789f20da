import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, connection

from core.clock import now
from usage import services

WAIT_FOR_SERVER = 1.0
REST = 10
"""How many times as long as a turn took what it added up is left alone, `services.ROLL_PATIENCE` at most."""


class Command(BaseCommand):
    help = "Adds up what came in: once, or with --every in a loop, as a roller of its own beside the workers'."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=int, metavar="MS", help="go on for ever, this many milliseconds apart")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["every"] is None:
            self.stdout.write(f"{services.roll_usage(now=now())} events")
            return
        patience = timedelta(0)
        while True:
            try:
                started = time.monotonic()
                if services.roll_usage(now=now(), patience=patience):
                    took = timedelta(seconds=time.monotonic() - started)
                    patience = min(REST * took, services.ROLL_PATIENCE)
                time.sleep(options["every"] / 1000)
            except (OperationalError, InterfaceError) as error:
                # The server went away or is overtaxed. What was committed stays, and the next turn goes on from there.
                self.stderr.write(f"not added up now, tried again: {error}")
                connection.close()
                time.sleep(WAIT_FOR_SERVER)
