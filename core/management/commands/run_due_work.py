from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from core.api.fields import parse_instant
from core.clock import now


class Command(BaseCommand):
    help = "Does all work that is due, here and now, for cron users and tests: the worker's own sweeps."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until", help="do what is due up to this RFC 3339 time instead of now")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            until = parse_instant(options["until"]) if options["until"] else None
        except ValueError as error:
            raise CommandError(f"--until {error}") from error
        total, progress = 0, True
        while progress:  # a sweep may make work for another one
            progress = False
            for path in settings.DUE_WORK:
                done = import_string(path)(now=until or now())
                total += done
                progress = progress or done > 0
        self.stdout.write(f"{total} done")
