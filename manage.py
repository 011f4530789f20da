#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL and REDIS_URL it finds or starts the embedded servers."""

import os
import sys

from supervisor.session import embedded_servers, needs_servers


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings.dev")
    if needs_servers(sys.argv):
        with embedded_servers():
            run()
    else:
        run()


def run() -> None:
    """Hand over to Django. Imported late: settings read DATABASE_URL when they are imported."""
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
