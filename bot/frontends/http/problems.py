"""Errors as `application/problem+json` (RFC 9457). None quotes what was sent."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bot.frontends.http.schemas import MUST_BE
from trainer.errors import printable

MEDIA_TYPE = "application/problem+json"

MAX_ERRORS = 5
"""Of one body, in `detail`."""


class Problem(HTTPException):
    """An error with a sentence for the developer, and perhaps the reply for the customer."""

    def __init__(
        self, status: int, detail: str, *, retry_after: int | None = None, **members: Any
    ) -> None:
        """`retry_after` is in seconds; `members` are further fields of the document."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        super().__init__(status, detail, headers)
        self.members = members

    def response(self) -> JSONResponse:
        """The document that the client gets."""
        return _document(self.status_code, self.detail, self.headers, self.members)


def install(app: FastAPI) -> None:
    """Makes `app` report all errors in this form."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _bug)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    """A problem, or an error of the framework: an unknown address, a wrong method."""
    if isinstance(error, Problem):
        return error.response()
    assert isinstance(error, HTTPException)
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            detail = "There is nothing at this address. /openapi.json describes all that there is."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "")
            detail = f"This address takes only {allowed}."
        case _:
            detail = "The request cannot be read."
    return _document(error.status_code, detail, error.headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """Pydantic's own messages may quote the input, so each field has a sentence of its own."""
    assert isinstance(error, RequestValidationError)
    sentences = dict.fromkeys(map(_sentence, error.errors()))
    return _document(HTTPStatus.UNPROCESSABLE_ENTITY, " ".join([*sentences][:MAX_ERRORS]))


def _sentence(detail: Any) -> str:
    field = next((name for name in detail["loc"][1:2] if name in MUST_BE), None)
    if field is not None and detail["type"] != "extra_forbidden":
        what = "is missing: it" if detail["type"] == "missing" else ""
        return f"`{field}` {what} must be {MUST_BE[field]}.".replace("  ", " ")
    if detail["type"] == "extra_forbidden":
        return "The body has a field that this address does not know; see /openapi.json."
    return "The body must be a JSON object; see /openapi.json."


async def _bug(_request: Request, _error: Exception) -> JSONResponse:
    """The gate logs where it happened."""
    detail = "This is a bug of the server, which has logged its place. Please report it."
    return _document(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _document(
    status: int, detail: str, headers: Any = None, members: dict[str, Any] | None = None
) -> JSONResponse:
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": printable(detail),
        **(members or {}),
    }
    return JSONResponse(content, status, dict(headers or {}), MEDIA_TYPE)
