"""`manage.py demo_traffic`."""

import json
import os
import random
import signal
import threading
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.clock import now
from demo.traffic import Traffic


class Command(BaseCommand):
    """Sends the usage of this moment until it is stopped."""

    help = "Goes on with the demo: sends what its customers use at this moment to /v1/ingest, until it is stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to send, with which key, how much."""
        parser.add_argument("--url", default=settings.TACTUS_PUBLIC_URL, help="default: %(default)s")
        parser.add_argument("--api-key", help="default: TACTUS_API_KEY, or the key that `make run` shows")
        parser.add_argument("--rate", type=int, default=5, help="most token events a second (default: %(default)s)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs until SIGTERM or Ctrl-C."""
        key = options["api_key"] or os.environ.get("TACTUS_API_KEY") or shown_key()
        if not key:
            raise CommandError(
                "No API key: give --api-key or TACTUS_API_KEY (manage.py create_api_key NAME makes one)."
            )
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=options["url"], headers=headers, timeout=20, trust_env=False) as client:
            traffic = Traffic(client, options["rate"], now, self.stdout.write, random.Random())  # noqa: S311 - a story
            try:
                traffic.run(stop)
            except PermissionError as error:
                raise CommandError(f"The API key was refused: {error}") from error
        self.stdout.write(f"{traffic.sent} events sent")


def shown_key() -> str | None:
    """The API key that `make run` made and shows, if it runs from this folder."""
    try:
        return json.loads((settings.VAR_DIR / "credentials.json").read_text()).get("api_key")
    except (OSError, ValueError):
        return None
