"""`make run` and the commands of a working copy: as strict as production, but over plain HTTP on this machine."""

from billing_site.settings.base import *  # noqa: F403
from billing_site.settings.base import VAR_DIR, env
from billing_site.settings.secret import secret_key_in

SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key_in(VAR_DIR)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Static files come straight from their folders: nothing to collect, nothing stale.
WHITENOISE_USE_FINDERS = True
