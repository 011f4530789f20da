"""Structured logs for web, worker and commands: one line per fact, with its request or task id, never with a secret."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_KEYS = re.compile(r"authorization|cookie|password|secret|token|api_key|idempotency", re.IGNORECASE)
SECRET_TEXT = re.compile(
    r"(bearer\s+|[?&][a-z_]*(?:token|code|key|signature|secret)=)[^&\s\"']+|(://[^/@\s:]*:)[^/@\s]+(?=@)", re.IGNORECASE
)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank values that look like credentials by key or shape: headers, tokens in query strings, passwords in URLs."""
    for key, value in event.items():
        if SECRET_KEYS.search(key):
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = SECRET_TEXT.sub(r"\1\2[redacted]", value)
    return event


def leave_out_expired(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop the warning that a sweep's wake-up has expired: the next one has taken its place (wiring.beat_schedule)."""
    if event.get("event") == "task_revoked" and event.get("expired"):
        raise structlog.DropEvent
    return event


def configure_logging(*, as_json: bool, level: str) -> dict[str, Any]:
    """Configure structlog and return Django's LOGGING, so that the standard library's records take the same road.

    Args:
        as_json: one JSON object a line (production) instead of text for people.
        level: lowest level shown, as the standard library names it.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            leave_out_expired,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                "foreign_pre_chain": shared,
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Each 4xx is the client's business and is logged as request_finished anyway.
            "django.request": {"level": "ERROR"},
            # Anybody can send a wrong Host header; a traceback for each is of no use.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "httpx": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            # what has expired or was revoked, one line each
            "celery.worker.request": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }
