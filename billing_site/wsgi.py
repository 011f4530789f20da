"""WSGI entry point, served by granian: `granian --interface wsgi billing_site.wsgi:application`."""

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings.dev")

_whole_site = get_wsgi_application()

# Importable only now that the apps are loaded.
from django.conf import settings  # noqa: E402

from billing_site.bodies import ReadsTheRest  # noqa: E402
from billing_site.memory import settle_memory  # noqa: E402
from reservations.api.fast_path import FastReservations  # noqa: E402
from usage.api.fast_path import FastIngest  # noqa: E402

_shared = settings.TACTUS_SHARED_WRITER
# Requests wait for their commits on threads beside those that compose invoices; those keep them waiting less like this.
sys.setswitchinterval(0.001)
# Around these goes what every request must meet; what they leave out: docs/guides/fast-paths.md.
# They read what they answer to the end.
application = FastIngest(FastReservations(ReadsTheRest(_whole_site), shared=_shared), shared=_shared)
settle_memory()
