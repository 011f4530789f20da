"""What the menu says, for breadcrumbs, lists and buttons."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.template import RequestContext
from django.urls import NoReverseMatch, reverse

from backoffice.navigation import Link, lists

register = template.Library()


@register.filter
def in_menu(part: Mapping[str, Any]) -> str:
    """A breadcrumb's title, as the menu has it where it leads to a list."""
    called = {reverse(link.route): link.title for link in lists().values()}
    return called.get(str(part.get("link", ""))) or str(part["title"])


@register.simple_tag(takes_context=True)
def empty_list(context: RequestContext, cl: Any) -> dict[str, Any]:
    """What a list without rows says: that nothing matches, or why there is nothing and how something comes to be."""
    link, query = _link(cl.opts), context.request.GET
    asked = f"?{query.urlencode()}" if query else ""
    if link is not None and asked in ("", link.query):
        return {"title": link.nothing, "made": link.made, "filtered": False}
    return {"title": "Nothing matches.", "made": "", "filtered": True}


@register.simple_tag
def new_one(opts: Any) -> dict[str, str]:
    """The button of a list whose records are made here: what it makes, and where it leads ("" if nowhere)."""
    try:
        url = reverse(f"admin:{opts.app_label}_{opts.model_name}_add")
    except NoReverseMatch:
        url = ""
    return {"what": str(opts.verbose_name), "url": url}


def _link(opts: Any) -> Link | None:
    return lists().get(f"{opts.app_label}_{opts.model_name}")
