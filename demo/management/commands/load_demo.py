"""`manage.py load_demo`."""

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.clock import now
from demo.load import is_loaded, load


class Command(BaseCommand):
    """Loads the demo's story up to now."""

    help = "Loads the demo: an AI company's customers, their usage and invoices. Continues an interrupted load."

    def add_arguments(self, parser: CommandParser) -> None:
        """--once, for every start."""
        parser.add_argument("--once", action="store_true", help="do nothing, without a word, where the demo is loaded")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Loads, unless it is loaded."""
        if is_loaded():
            if options["once"]:
                return
            raise CommandError("The demo is in this database already; `make reset` starts over.")
        # One line for each job that waits for the worker would drown the two that say what was loaded.
        logging.getLogger("django_structlog").setLevel(logging.WARNING)
        load(now=now(), say=self.stdout.write)
