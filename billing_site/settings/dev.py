"""`make run` and the commands of a working copy: as strict as production, but over plain HTTP on this machine."""

from billing_site.settings.base import *  # noqa: F403
from billing_site.settings.base import TACTUS_DEMO_HOST_URL, VAR_DIR, env
from billing_site.settings.secret import secret_key_in

SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key_in(VAR_DIR)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Static files come straight from their folders: nothing to collect, nothing stale.
WHITENOISE_USE_FINDERS = True
# The demo host page may frame the console.
TACTUS_EMBED_ORIGINS = env.list("TACTUS_EMBED_ORIGINS", default=[TACTUS_DEMO_HOST_URL])
# The seller of the demo's story (demo/story.py).
TACTUS_TEST_CLOCKS = env.bool("TACTUS_TEST_CLOCKS", default=True)
TACTUS_COMPANY_NAME = env.str("TACTUS_COMPANY_NAME", default="Lumen AI, Inc.")
TACTUS_COMPANY_ADDRESS = env.str("TACTUS_COMPANY_ADDRESS", default="500 Beacon Street\nBoston, MA 02115\nUnited States")
TACTUS_COMPANY_EMAIL = env.str("TACTUS_COMPANY_EMAIL", default="billing@lumen.example")
TACTUS_INVOICE_PREFIX = env.str("TACTUS_INVOICE_PREFIX", default="LUM")
