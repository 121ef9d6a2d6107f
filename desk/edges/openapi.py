"""The API's description, made from the routes themselves so that none can be missing."""

from __future__ import annotations

import inspect
from typing import Any

from desk.edges.web import App

_ERROR = {
    "description": "refused; the message is in the asked language",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def describe(app: App, version: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document of every route of `app`, with bodies from their pydantic models."""
    paths: dict[str, dict[str, Any]] = {}
    for route in app.router.routes:
        if "static" in route.name:
            continue
        path = "/" + "/".join(
            "{" + part[1:-1].split(":")[0] + "}" if part.startswith("<") else part
            for part in route.path.split("/")
        )
        doc = inspect.getdoc(route.handler) or ""
        operation: dict[str, Any] = {
            "summary": doc.splitlines()[0] if doc else "",
            "description": doc,
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in _names(path)
            ],
            "responses": {"default": _ERROR, "2XX": {"description": "done"}},
        }
        model = _body_model(route.handler)
        if model is not None:
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schema.pop("$defs", None)
            operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
        for method in sorted(route.methods - {"HEAD", "OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kefu", "version": version},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {
                "Error": {
                    "type": "object",
                    "properties": {
                        "error": {
                            "type": "object",
                            "properties": {
                                "code": {"type": "string"},
                                "message": {"type": "string"},
                            },
                        }
                    },
                },
                "Fee": {
                    "type": "object",
                    "properties": {
                        "kind": {"type": "string"},
                        "amount": {"type": "number"},
                        "paid": {"type": "boolean"},
                    },
                },
            }
        },
    }


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _body_model(handler: Any) -> Any:
    """The pydantic model a handler reads its body with: the `...Body` name its code uses."""
    for name in handler.__code__.co_names:
        found = handler.__globals__.get(name)
        if name.endswith("Body") and inspect.isclass(found):
            return found
    return None
