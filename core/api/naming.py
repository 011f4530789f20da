"""How the API's description names things: by app, so that every app may have its own `CreateInput`."""

import re
import sys
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema


def prefix_of(module: str) -> str:
    """`catalog.api.products` -> `CatalogProducts`; what the module states as `COMPONENTS`, if it does.

    Clients are generated from these names: a module that moves states the ones that it had.
    """
    stated: str | None = getattr(sys.modules[module], "COMPONENTS", None)
    return stated or "".join(part.title().replace("_", "") for part in module.split(".") if part != "api")


class Schema(AutoSchema):
    """drf-spectacular's description of a view, with names that cannot collide."""

    def get_operation_id(self) -> str:
        """Method and path: `post_v1_customers_archive`."""
        return "_".join([self.method.lower(), *re.findall(r"\w+", self.path)])

    def _get_serializer_name(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> str:
        name: str = super()._get_serializer_name(serializer, direction, bypass_extensions)
        module = type(serializer).__module__
        return name if module.startswith(("rest_framework.", "core.")) else prefix_of(module) + name


class WordFieldSchema(OpenApiSerializerFieldExtension):
    """The words that a `WordField` knows, as an enum."""

    target_class = "core.api.fields.WordField"

    def map_serializer_field(self, _auto_schema: Any, _direction: Any) -> dict[str, Any]:
        """Upper case as emitted; lower case is understood as well."""
        return {"type": "string", "enum": list(self.target.words)}
