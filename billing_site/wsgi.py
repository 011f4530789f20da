"""WSGI entry point, served by granian: `granian --interface wsgi billing_site.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings.dev")

application = get_wsgi_application()
