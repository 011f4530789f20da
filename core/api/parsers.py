"""Request bodies: strict JSON, decimals kept exact."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from core.exact_json import BadJson, loads


class ExactJSONParser(BaseParser):
    """Parses `application/json` with `core.exact_json`. Refuses an empty body."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = (parser_context or {})["request"].body
        if not body.strip():
            raise ParseError("the body is empty; JSON is needed")
        try:
            return loads(body)
        except BadJson as error:
            raise ParseError(str(error)) from error
