"""Responses: JSON with exact decimals as numbers."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from core.exact_json import dumps


class ExactJSONRenderer(BaseRenderer):
    """Renders with `core.exact_json`; None is an empty body, as Metronome's "None" methods answer."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else dumps(data)
