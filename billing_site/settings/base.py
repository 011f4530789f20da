"""What is true everywhere. Values come from the environment (django-environ); durations and sizes name their unit."""

import logging
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from csp.constants import NONE, SELF

import billing_site.celery  # noqa: F401  # so that whoever has settings also has our Celery application
from billing_site.broker import celery_broker_url
from billing_site.logs import configure_logging
from billing_site.settings.unfold import UNFOLD  # noqa: F401  # the back office's skin
from core.registry import BILLING, QUEUES

# Lets `models.Field[...]`, `ModelAdmin[...]` and the like be written as types at run time too.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()

VAR_DIR = Path(env.str("TACTUS_VAR", default=str(BASE_DIR / "var")))

# --- ours -------------------------------------------------------------------------------------------------------------
TACTUS_GRACE_HOURS = env.int("TACTUS_GRACE_HOURS", default=24)
TACTUS_INGEST_MAX_EVENTS = env.int("TACTUS_INGEST_MAX_EVENTS", default=1000)
# Whether requests that ingest at the same time share commits, on a connection besides Django's.
TACTUS_SHARED_WRITER = env.bool("TACTUS_SHARED_WRITER", default=True)
# Whole months of events kept besides the current one; 0 keeps all. Ids and added-up usage are kept anyway.
TACTUS_USAGE_RETENTION_MONTHS = env.int("TACTUS_USAGE_RETENTION_MONTHS", default=0)
# How long a reservation holds its amount unless its caller says, how soon usage that was not reserved counts, and how
# long a committed one waits for its event.
TACTUS_RESERVATION_SECONDS = env.int("TACTUS_RESERVATION_SECONDS", default=60)
TACTUS_RESERVATION_FRESH_SECONDS = env.int("TACTUS_RESERVATION_FRESH_SECONDS", default=1)
TACTUS_RESERVATION_LAPSE_HOURS = env.int("TACTUS_RESERVATION_LAPSE_HOURS", default=24)
TACTUS_MAX_BODY_BYTES = env.int("TACTUS_MAX_BODY_BYTES", default=10 * 1024 * 1024)
# What one request may take of the time and of a web process (core.api.request_limits). Writes leave connections of the
# pool to reads; of heavy ones, which the size of their body tells, a process carries out one at a time.
TACTUS_REQUEST_SECONDS = env.float("TACTUS_REQUEST_SECONDS", default=30)
TACTUS_STATEMENT_TIMEOUT_MS = env.int("TACTUS_STATEMENT_TIMEOUT_MS", default=0)
TACTUS_DB_POOL_SIZE = env.int("TACTUS_DB_POOL_SIZE", default=0)
TACTUS_WRITES_AT_ONCE = env.int(
    "TACTUS_WRITES_AT_ONCE", default=max(1, TACTUS_DB_POOL_SIZE - 2) if TACTUS_DB_POOL_SIZE else 16
)
TACTUS_HEAVY_WRITES_AT_ONCE = env.int("TACTUS_HEAVY_WRITES_AT_ONCE", default=1)
TACTUS_HEAVY_BODY_BYTES = env.int("TACTUS_HEAVY_BODY_BYTES", default=64 * 1024)
TACTUS_COMPANY_NAME = env.str("TACTUS_COMPANY_NAME", default="Tactus Demo Inc.")
TACTUS_COMPANY_ADDRESS = env.str("TACTUS_COMPANY_ADDRESS", default="1 Example Street\nSpringfield")
TACTUS_COMPANY_EMAIL = env.str("TACTUS_COMPANY_EMAIL", default="billing@example.com")
TACTUS_COMPANY_TAX_ID = env.str("TACTUS_COMPANY_TAX_ID", default="")
# Whether customers may be put on clocks of their own (customers/test_clocks.py); in production never.
TACTUS_TEST_CLOCKS = False
# Invoice numbers: PREFIX-YEAR-0001, gap-free within a year.
TACTUS_INVOICE_PREFIX = env.str("TACTUS_INVOICE_PREFIX", default="TA")
# Scheme, host and port under which browsers and API clients reach us; no trailing slash.
TACTUS_PUBLIC_URL = env.str("TACTUS_PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
# Origin of the page that embeds the console in the demo: deliberately another host name than the public URL's.
TACTUS_DEMO_HOST_URL = env.str("TACTUS_DEMO_HOST_URL", default="http://localhost:8001").rstrip("/")
# Exact origins that may frame the console, besides those registered in the back office.
TACTUS_EMBED_ORIGINS = env.list("TACTUS_EMBED_ORIGINS", default=[])

# What a member of staff may adjust alone, at once and within 24 hours, for themselves as for one customer: USD by role.
TACTUS_ADJUSTMENT_LIMITS = env.dict(
    "TACTUS_ADJUSTMENT_LIMITS", default={"support": "100", "finance": "10000", "owner": "10000"}
)
# What one unit of a currency counts as in USD, for limits only. One that is not here always needs a second person.
TACTUS_ADJUSTMENT_WORTH = env.dict(
    "TACTUS_ADJUSTMENT_WORTH",
    default={"EUR": "1.25", "GBP": "1.45", "CHF": "1.35", "CAD": "0.8", "AUD": "0.75"},
)
# How long an adjustment waits for a second person before it is withdrawn.
TACTUS_ADJUSTMENT_WAITS_HOURS = env.int("TACTUS_ADJUSTMENT_WAITS_HOURS", default=72)
# When a credit granted by staff ends unless they say otherwise: after this many days, or "contract" for the end of the
# customer's contract (after 365 days where that is open).
TACTUS_CREDIT_EXPIRY = env.str("TACTUS_CREDIT_EXPIRY", default="365")

# Tables that no app may write, since no lower one may import a higher one; dotted paths, read when first needed.
EVENT_REACTIONS = "billing_site.wiring.REACTIONS"
CONTRACT_EXTENSIONS = "billing_site.wiring.CONTRACT_EXTENSIONS"
CLOCK_OF_CUSTOMER = "customers.test_clocks.clock_of"
DRY_RUN_READER = "billing_site.wiring.foresee"
ACT_LIMIT = "balances.selectors.act_limits.act_limit"
OPEN_WORTH = "billing.selectors.open_worth.open_worth"

# --- Django -----------------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
ROOT_URLCONF = "billing_site.urls"
WSGI_APPLICATION = "billing_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "backoffice.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "template_partials",
    "csp",
    "django_structlog",
    "core",
    "presentation",
    "customers",
    "catalog",
    "usage",
    "contracts",
    "charges",
    "balances",
    "billing",
    "reservations",
    "invoices",
    "plans",
    "console",
    "demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "console.middleware.CookielessMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "core.api.middleware.ApiMiddleware",
    "core.api.request_limits.RequestLimitsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "csp.middleware.CSPMiddleware",
    "billing_site.middleware.AdminPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {"menu": "backoffice.menu_tags"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en-us"
USE_I18N = True

# How mail leaves, as smtp://user:password@host:587 or smtp+tls:// (django-environ's EMAIL_URL); empty: none is sent.
vars().update(environ.Env.email_url_config(env.str("EMAIL_URL", default="") or "dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=TACTUS_COMPANY_EMAIL)
# For how long a link to a new password works.
PASSWORD_RESET_TIMEOUT = 24 * 3600

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []

LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = TACTUS_MAX_BODY_BYTES

# Strict for everything. The console's routes replace frame-ancestors per view; AdminPolicyMiddleware loosens /admin/
# for its skin only.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    },
}

# --- database, cache, jobs --------------------------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")


def database_from(url: str, *, is_pooled: bool = False) -> dict[str, Any]:
    """Django's DATABASES entry for `url`, with time limits in the server and, where asked for, a connection pool.

    Web threads (granian's) come and go, so thread-bound persistent connections would leak or reconnect: with
    TACTUS_DB_POOL_SIZE they share a psycopg pool that tests a connection before handing it out, and a restarted
    PostgreSQL costs no request. Workers and commands have one long-lived thread each and keep one connection, tested
    once per task or request. `is_pooled`: `url` leads through a pooler that gives each transaction another session, as
    PgBouncer in transaction mode. That takes no settings of a session: time limits are then the role's (ALTER ROLE).
    """
    config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    config["ATOMIC_REQUESTS"] = False
    config["CONN_HEALTH_CHECKS"] = True
    options = config.setdefault("OPTIONS", {})
    if TACTUS_DB_POOL_SIZE:
        config["CONN_MAX_AGE"] = 0
        options["pool"] = {
            "min_size": 1,
            "max_size": TACTUS_DB_POOL_SIZE,
            "timeout": 5,
            "max_lifetime": 1800,
            "reconnect_timeout": 30,
        }
    else:
        config["CONN_MAX_AGE"] = env.int("TACTUS_CONN_MAX_AGE", default=60)
    statement_ms = TACTUS_STATEMENT_TIMEOUT_MS
    if is_pooled:
        config["DISABLE_SERVER_SIDE_CURSORS"] = True
    elif statement_ms:
        options["options"] = f"-c statement_timeout={statement_ms} -c idle_in_transaction_session_timeout=30000"
    return config


DATABASE_URL = env.str("DATABASE_URL", default="postgresql://tactus@127.0.0.1:5432/tactus")
# The server itself, where DATABASE_URL leads through a pooler: for group commits and locks that outlive a transaction.
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", default="") or DATABASE_URL
DATABASES = {"default": database_from(DATABASE_URL, is_pooled=DATABASE_DIRECT_URL != DATABASE_URL)}
# How the direct connection differs from Django's default one; empty where it is the same.
DATABASE_DIRECT: dict[str, Any] = {}
if DATABASE_DIRECT_URL != DATABASE_URL:
    DATABASE_DIRECT = database_from(DATABASE_DIRECT_URL)
    if DATABASE_DIRECT["NAME"] == DATABASES["default"]["NAME"]:
        del DATABASE_DIRECT["NAME"]  # Django's tests have a name of their own

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "tactus",
    },
}

CELERY_BROKER_URL = celery_broker_url(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Past the hard time limit, or a healthy but slow task would be delivered a second time.
    "visibility_timeout": 600,
    # kombu looks for unacknowledged messages every interval x throttle seconds; its defaults make that about 100 s.
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_keepalive": True,
    # How long the thread that sends hints (core.jobs) tries before it leaves the broker alone; no request waits for it.
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "global_keyprefix": "tactus:",
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_TASK_DEFAULT_QUEUE = BILLING
# A worker takes from all of them unless `--queues` says otherwise. Each job's queue is its app's to say.
CELERY_TASK_QUEUES: dict[str, dict[str, str]] = {name: {} for name in QUEUES}
CELERY_TASK_ROUTES = ["core.jobs.route"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True

# --- API --------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["core.api.auth.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.auth.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.ExactJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.renderers.ExactJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.OneRenderer",
    "EXCEPTION_HANDLER": "core.api.errors.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "core.api.naming.Schema",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Tactus",
    "DESCRIPTION": "Usage-based billing that speaks Metronome's API. Not affiliated with Metronome.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/v[12]",
    "POSTPROCESSING_HOOKS": [],  # enums stay where they are used
}

# --- logs -------------------------------------------------------------------------------------------------------------
LOGGING = configure_logging(
    as_json=env.bool("TACTUS_LOG_JSON", default=False), level=env.str("TACTUS_LOG_LEVEL", default="INFO")
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
# A client's mistake is no warning of ours.
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
