from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.clock import now
from invoices.selectors import list_altered


class Command(BaseCommand):
    help = "Compares every finalized invoice with the fingerprint taken at its finalization; fails if one was altered."

    def handle(self, *args: Any, **options: Any) -> None:
        altered = [f"{row.number} ({row.pk})" for row in list_altered(now=now())]
        if altered:
            raise CommandError(f"altered after finalization: {', '.join(altered)}")
        self.stdout.write("All finalized invoices are as they were.")
