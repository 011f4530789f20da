from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.api.fields import parse_id, parse_instant
from core.clock import now
from core.errors import TactusError
from customers import test_clocks
from customers.models import TestClock


class Command(BaseCommand):
    help = "Test clocks, outside production: customers whose time is told to go on."

    def add_arguments(self, parser: CommandParser) -> None:
        ways = parser.add_subparsers(dest="way", required=True)
        ways.add_parser("list", help="show all of them")
        create = ways.add_parser("create", help="set one up")
        create.add_argument("name")
        create.add_argument("--at", help="where it stands, RFC 3339; now unless given")
        advance = ways.add_parser("advance", help="let it go on, and wait until it has arrived")
        advance.add_argument("id")
        advance.add_argument("--to", help="where it goes, RFC 3339")
        advance.add_argument("--days", type=int, help="by how many days it goes on")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['way']}")(options)
        except ValueError as error:
            raise CommandError(str(error)) from error
        except TactusError as error:
            raise CommandError(error.message) from error

    def _list(self, _options: dict[str, Any]) -> None:
        for clock in test_clocks.list_test_clocks():
            self._tell(clock)

    def _create(self, options: dict[str, Any]) -> None:
        at = parse_instant(options["at"]) if options["at"] else now()
        clock = test_clocks.create_test_clock(name=options["name"], at=at, now=now())
        self._tell(clock)
        self.stdout.write(f'Put customers on it as they are created: {{"test_clock_id": "{clock.pk}"}}')

    def _advance(self, options: dict[str, Any]) -> None:
        if (options["to"] is None) is (options["days"] is None):
            raise CommandError("give either --to or --days")
        clock_id = parse_id(options["id"])
        clock = test_clocks.get_test_clock(clock_id=clock_id)
        to = parse_instant(options["to"]) if options["to"] else clock.now_at + timedelta(days=options["days"])
        test_clocks.advance_test_clock(clock_id=clock_id, to=to, now=now())
        stands = None
        while True:
            test_clocks.run_test_clocks(now=now())
            clock = test_clocks.get_test_clock(clock_id=clock_id)
            if clock.target_at is None:
                break
            if clock.last_error:
                raise CommandError(f"it does not get past {clock.now_at:%Y-%m-%d %H:%M}: {clock.last_error}")
            if stands != clock.now_at:
                self._tell(clock)
            stands = clock.now_at
        self._tell(clock)

    def _tell(self, clock: TestClock) -> None:
        going = f", going to {clock.target_at:%Y-%m-%d %H:%M}" if clock.target_at else ""
        self.stdout.write(f"{clock.pk}  {clock.now_at:%Y-%m-%d %H:%M} UTC{going}  {clock.name}")
