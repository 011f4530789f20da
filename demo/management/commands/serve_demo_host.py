import os
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import make_server

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo.host.app import DemoHost, QuietHandler, ThreadingServer


class Command(BaseCommand):
    help = (
        "Serves a stand-in for your own application that embeds the console, on an origin of its own "
        "(TACTUS_DEMO_HOST_URL). Its server asks the API for codes with TACTUS_API_KEY."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--origin", default=settings.TACTUS_DEMO_HOST_URL, help="where browsers reach this page")
        parser.add_argument("--console", default=settings.TACTUS_PUBLIC_URL, help="where browsers reach Tactus")
        parser.add_argument("--api", default="", help="where this server reaches the API; default: the same")
        parser.add_argument("--api-key", default=os.environ.get("TACTUS_API_KEY", ""), help="default: TACTUS_API_KEY")

    def handle(self, *_: Any, **options: Any) -> None:
        if not options["api_key"]:
            raise CommandError("an API key is needed: --api-key or TACTUS_API_KEY")
        where = urlsplit(options["origin"])
        app = DemoHost(
            console=options["console"],
            api=options["api"] or options["console"],
            api_key=options["api_key"],
            origin=options["origin"],
        )
        host, port = where.hostname or "localhost", where.port or 80
        with make_server(host, port, app, server_class=ThreadingServer, handler_class=QuietHandler) as server:
            self.stdout.write(f"demo host at {options['origin']}")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                self.stdout.write("stopped")
