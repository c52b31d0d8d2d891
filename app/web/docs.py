"""The API's description as a page, made here from its own schema: no scripts, no other host."""

import re
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response

from app.web import problems
from app.web.pages import render

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> Response:
    app: FastAPI = request.app
    schema = app.openapi()
    return render(
        request,
        "docs.html",
        calls=[
            _call(method, path, operation)
            for path, operations in schema.get("paths", {}).items()
            for method, operation in operations.items()
        ],
        schemas={
            name: _fields(one)
            for name, one in schema.get("components", {}).get("schemas", {}).items()
        },
        refusals=[(problems.slug(kind), problem) for kind, problem in problems.REFUSALS.items()],
    )


def _call(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    bodies = operation.get("requestBody", {}).get("content", {})
    return {
        "method": method.upper(),
        "path": path,
        "anchor": "-".join(re.findall(r"[a-z0-9]+", f"{method} {path}".lower())),
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [
            (one["name"], one["in"], _kind(one.get("schema", {})), one.get("required", False))
            for one in operation.get("parameters", [])
        ],
        "takes": [_kind(one.get("schema", {})) for one in bodies.values()],
        "answers": [
            (code, one.get("description", ""), _answer(one))
            for code, one in operation.get("responses", {}).items()
        ],
    }


def _answer(response: dict[str, Any]) -> str:
    kinds = [_kind(one.get("schema", {})) for one in response.get("content", {}).values()]
    return ", ".join(kind for kind in kinds if kind)


def _fields(schema: dict[str, Any]) -> list[tuple[str, str, bool, str]]:
    """Name, kind, whether it must be there, and what it means."""
    required = schema.get("required", [])
    return [
        (name, _kind(one), name in required, one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    ]


def _kind(schema: dict[str, Any]) -> str:
    """A JSON schema in a few words: `list of string`, `SubmissionIn`, `integer or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    return str(schema.get("format") or schema.get("type", ""))
