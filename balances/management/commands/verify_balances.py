from typing import Any

from django.core.management.base import BaseCommand, CommandError

from balances.selectors.integrity import list_differing


class Command(BaseCommand):
    help = "Adds up every ledger and compares it with the segments' sums; status 1 and a line for each that differs."

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(list_differing())
        for row in found:
            self.stdout.write(f"segment {row.segment_id} of balance {row.balance_id}: {row.words}")
        if found:
            raise CommandError(f"{len(found)} segments differ from their ledgers")
        self.stdout.write("every segment is the sum of its ledger")
