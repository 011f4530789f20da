from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.api.fields import parse_instant
from core.clock import now
from core.errors import InvalidInput
from usage.selectors import EXPLAINED, reconcile


class Command(BaseCommand):
    help = "Prints where the events received in a stretch of time went; ends with status 1 if it does not add up."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="start", help="RFC 3339, a whole minute; default: a day before --to")
        parser.add_argument("--to", dest="end", help="RFC 3339, a whole minute; default: the end of the current one")

    def handle(self, *args: Any, **options: Any) -> None:
        this_minute = now().replace(second=0, microsecond=0)
        try:
            end = parse_instant(options["end"]) if options["end"] else this_minute + timedelta(minutes=1)
            start = parse_instant(options["start"]) if options["start"] else end - timedelta(days=1)
            report = reconcile(start=start, end=end)
        except (ValueError, InvalidInput) as error:
            raise CommandError(str(error)) from error
        rows = [
            ("sent", report.sent),
            ("= accepted", report.accepted),
            ("+ duplicates", report.duplicates),
            ("  of them with other content", report.conflicts),
            ("+ rejected", report.rejected),
            ("accepted", report.accepted),
            ("= rated", report.rated),
            *((f"+ unmatched: {EXPLAINED[reason]}", events) for reason, events in report.unmatched.items()),
            ("+ dropped by retention", report.dropped),
        ]
        self.stdout.write(f"Received from {start.isoformat()} to {end.isoformat()}")
        for label, number in rows:
            self.stdout.write(f"  {label:86}{number:>16,}")
        for row in report.unknown_refs:
            self.stdout.write(f"  nobody is called {row.ref!r}: {row.events:,} events")
        if report.faults:
            raise CommandError("does not add up: " + "; ".join(report.faults), returncode=1)
        self.stdout.write("It adds up.")
