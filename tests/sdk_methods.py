"""The requests that Metronome's SDK can make: read from its own source, with the types of what they take."""

import ast
import importlib
import pkgutil
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import metronome.resources

DEEPEST = 9
Where = tuple[str, ...]
"""A field by its path; "[]" stands for an item of a list."""
SENDING = ("_get", "_post", "_put", "_patch", "_delete", "_get_api_list")


@dataclass(frozen=True)
class Method:
    """A method of the synchronous client, by its place under it: `v1.customers.invoices.list`.

    `takes`: the TypedDict of its parameters; None if it has none but those in the path.
    """

    name: str
    verb: str
    path: str
    takes: Any

    @property
    def route(self) -> tuple[str, str]:
        """Verb and path, whatever the parts of the path are called."""
        return self.verb, anonymous(self.path)


def fields_of(annotation: Any, where: Where = ()) -> Iterator[Where]:
    """Every field of a type of the SDK, as it is called on the wire."""
    if hasattr(annotation, "__required_keys__"):
        if len(where) > DEEPEST:
            return
        for name, inner in typing.get_type_hints(annotation, include_extras=True).items():
            here = (*where, next((one.alias for one in _notes(inner) if getattr(one, "alias", None)), name))
            yield here
            yield from fields_of(inner, here)
        return
    origin = typing.get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return
    is_list = isinstance(origin, type) and issubclass(origin, Iterable)
    if is_list:
        yield (*where, "[]")
    for part in typing.get_args(annotation):
        yield from fields_of(part, (*where, "[]") if is_list else where)


def _notes(annotation: Any) -> Iterator[Any]:
    """What an annotation says beside its type, such as the name on the wire."""
    yield from getattr(annotation, "__metadata__", ())
    for part in typing.get_args(annotation):
        yield from _notes(part)


def anonymous(path: str) -> str:
    """A path without the names of its parts."""
    return re.sub(r"\{\w+\}", "{}", path)


@cache
def sdk_methods() -> tuple[Method, ...]:
    """All of them."""
    parts = pkgutil.walk_packages(metronome.resources.__path__, "metronome.resources.")
    return tuple(method for part in parts for method in _of_module(importlib.import_module(part.name)))


def _of_module(module: ModuleType) -> Iterator[Method]:
    place = module.__name__.removeprefix("metronome.resources.").split(".")
    if place[-1:] == place[-2:-1]:  # a package's own resource stands in a module of its name
        place.pop()
    for resource in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
        if not isinstance(resource, ast.ClassDef) or not resource.name.endswith("Resource"):
            continue
        if resource.name.startswith("Async"):
            continue
        for function in resource.body:
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in SENDING:
                    yield _method(module, ".".join((*place, function.name)), call, call.func.attr)


def _method(module: ModuleType, name: str, call: ast.Call, sent_by: str) -> Method:
    words = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
    [path] = [word for word in words if isinstance(word, str) and re.match(r"/v\d/", word)]
    listed = [key.value.value for key in call.keywords if key.arg == "method" and isinstance(key.value, ast.Constant)]
    verb = str((listed or ["get"])[0]) if sent_by == "_get_api_list" else sent_by.strip("_")
    takes = [
        getattr(getattr(module, node.value.id), node.attr)
        for node in ast.walk(call)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id.endswith("_params")
    ]
    return Method(name, verb, path, takes[0] if takes else None)
