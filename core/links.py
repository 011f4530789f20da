"""Addresses that people write and pages turn into links: https, and nothing in them that could end an attribute."""

import re
from typing import Final

from django.db import models
from django.db.models import Q

from core.errors import InvalidInput

LINK: Final = (
    r"https://[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]{1,5})?([/?#]([A-Za-z0-9._~:/?#@!$&()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
)
"""A host, a port, and what RFC 3986 lets stand in the rest but the apostrophe; all else is percent-encoded. No user
name, which would pass for the host. The pattern means the same to Python and to PostgreSQL.
"""


def check_link(url: str, *, field: str) -> None:
    """Raises InvalidInput for what is no such address."""
    if not re.fullmatch(LINK, url):
        raise InvalidInput("must be an https address, anything unusual in it percent-encoded", field=field)


def link_or_empty(name: str, field: str) -> models.CheckConstraint:
    """A CHECK of the same."""
    return models.CheckConstraint(condition=Q(**{field: ""}) | Q(**{f"{field}__regex": f"^{LINK}$"}), name=name)
