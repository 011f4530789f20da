"""The test suite: real PostgreSQL and Valkey (tests/plugins/servers.py starts them), cheap passwords, a broker database
per xdist worker.

Celery is real: a job sent after a commit is a message in Valkey. Nobody takes it unless the test starts a worker.
"""

import os
import re

from billing_site.broker import celery_broker_url, with_database
from billing_site.settings.base import *  # noqa: F403
from billing_site.settings.base import CACHES, REDIS_URL

SECRET_KEY = "only-for-tests-only-for-tests-only-for-tests-only-for-tests"  # noqa: S105
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_USE_FINDERS = True
# Tests roll their own transaction back; those of the shared writer ask for it.
TACTUS_SHARED_WRITER = False
WHITENOISE_AUTOREFRESH = True

# gw0 -> database 1, gw1 -> database 2, ...; without xdist database 0.
_worker = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
REDIS_URL = with_database(REDIS_URL, int(_worker[1]) + 1 if _worker else 0)
CACHES["default"]["LOCATION"] = REDIS_URL
CELERY_BROKER_URL = celery_broker_url(REDIS_URL)
