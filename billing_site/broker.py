"""One REDIS_URL for everybody: redis-py and kombu spell a Unix socket differently."""

from urllib.parse import parse_qs, quote, urlencode, urlsplit


def celery_broker_url(redis_url: str) -> str:
    """Celery's broker URL for redis-py's `redis_url`.

    `redis://` and `rediss://` pass unchanged; `unix://[:password@]/path?db=N&password=P` becomes
    `redis+socket://:P@/path?virtual_host=N`.
    """
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    query = parse_qs(parts.query)
    password = parts.password or query.get("password", [""])[0]
    login = f":{quote(password, safe='')}@" if password else ""
    return f"redis+socket://{login}{parts.path}?virtual_host={query.get('db', ['0'])[0]}"


def with_database(redis_url: str, number: int) -> str:
    """The same server, logical database `number`."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return parts._replace(path=f"/{number}").geturl()
    query = {key: values[0] for key, values in parse_qs(parts.query).items()} | {"db": str(number)}
    return f"unix://{parts.path}?{urlencode(query)}"
