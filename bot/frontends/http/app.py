"""The addresses of the HTTP front end, and their OpenAPI document."""

import json
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any, Protocol

from fastapi import Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

import trainer
from bot.frontends.http import metrics, pages, problems
from bot.frontends.http.access import VISITOR_PATHS, Access, Caller
from bot.frontends.http.problems import Problem
from bot.frontends.http.schemas import (
    AnswerRequest,
    AnswerResult,
    ChooseRequest,
    ClassifyRequest,
    ClassifyResult,
    ExplainRequest,
    ExplainResult,
    Health,
    ProblemDocument,
)
from bot.frontends.http.service import RETRY_SECONDS, Service

DESCRIPTION = """\
Judges film reviews, and answers customers as on Discord and in the terminal.

Give your key as `Authorization: Bearer KEY`; the operator creates it with
`python -m bot http-key add NAME`. A server without keys answers only programs on its own machine.
Where visitors are let in, what they may use takes no key.

Errors are `application/problem+json` (RFC 9457); `detail` says what to do. After 429 and 503, wait
as many seconds as `Retry-After` says.

No text is stored or logged. A conversation's last question or verdict is remembered for some
minutes, in memory, without text.
"""

_ERRORS = {
    400: "The body is not valid JSON, or the request cannot be read.",
    401: "The key is missing or not valid.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not declared as `application/json`.",
    421: "A server without keys was addressed by another name than localhost, or through a proxy.",
    422: "A field is missing, not known, or not allowed.",
    429: "Too many texts of this key, or messages of this conversation.",
    500: "A bug of the server.",
    503: "The server is busy, or has no working model.",
}

_bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="A key of `python -m bot http-key add NAME`."
)


class Watched(Protocol):
    """What the addresses of health and figures are about."""

    def unready(self) -> str | None:
        """Why no text can be answered now, as a sentence; None if one can."""

    async def figures(self) -> bytes:
        """For Prometheus."""


class _StrictRequest(Request):
    """Its JSON has one meaning: no field twice, no NaN."""

    async def json(self) -> Any:
        """Raises Problem."""
        try:
            return json.loads(
                await self.body(), object_pairs_hook=_without_repeats, parse_constant=_refuse
            )
        except (ValueError, RecursionError):
            sentence = "The body must be JSON in UTF-8, with each field only once."
            raise Problem(400, sentence) from None


class _StrictRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("repeated field")
    return fields


def _refuse(_constant: str) -> Any:
    raise ValueError("not a number")


async def _caller(request: Request) -> Caller:
    """Who sent it; the gate has checked the key before the body was read."""
    caller: Caller = request.state.caller
    return caller


From = Annotated[Caller, Depends(_caller)]


def create_app(service: Service, access: Access) -> FastAPI:
    """The application, without the gate in front of it (`bot.frontends.http.gate`), which checks
    keys."""
    app = _new_app(openapi_url="/openapi.json")
    _add_health(app, service)
    _add_reviews(app, service, [Depends(_bearer)] if access.needs_key else [])
    pages.install(app, access)
    _complete_document(app, access)
    return app


def create_monitoring_app(watched: Watched) -> FastAPI:
    """The addresses of health and figures alone, also without the gate."""
    app = _new_app(openapi_url=None)
    _add_health(app, watched)
    return app


def _new_app(openapi_url: str | None) -> FastAPI:
    app = FastAPI(
        title="Review Concierge",
        version=trainer.__version__,
        description=DESCRIPTION,
        openapi_url=openapi_url,
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it records bodies
    )
    app.router.route_class = _StrictRoute
    problems.install(app)
    return app


def _add_health(app: FastAPI, service: Watched) -> None:
    @app.get("/livez", tags=["health"], summary="Whether the process runs")
    async def livez() -> Health:
        """For a supervisor that restarts the process if this fails. It needs no key."""
        return Health()

    @app.get(
        "/readyz",
        tags=["health"],
        summary="Whether texts can be judged",
        responses=_documented(503),
    )
    async def readyz() -> Health:
        """For a load balancer. 503 says why: no model is loaded, or it hangs. It needs no key."""
        if (reason := service.unready()) is not None:
            raise Problem(503, reason, retry_after=RETRY_SECONDS)
        return Health()

    @app.get("/metrics", include_in_schema=False)
    async def figures() -> Response:
        return Response(await service.figures(), media_type=metrics.CONTENT_TYPE)


def _add_reviews(app: FastAPI, service: Service, security: list[Any]) -> None:
    post = partial(
        app.post, tags=["reviews"], responses=_documented(*_ERRORS), dependencies=security
    )

    @post(
        "/v1/classify",
        summary="Judge one text, or several",
    )
    async def classify(request: ClassifyRequest, caller: From) -> ClassifyResult:
        """One result for each text, in order. No conversation: a reply may be a question, but its
        answer is not understood. If the server is too busy for one text, it judges none."""
        texts = [request.text] if isinstance(request.text, str) else request.text
        return await service.classify(caller, texts)

    @post(
        "/v1/answer",
        summary="Answer a message of a conversation",
    )
    async def answer(request: AnswerRequest, caller: From) -> AnswerResult:
        """The next message of the same conversation may answer a question ("yes", "the first one")
        or correct the verdict ("no, I hated it"). Messages of one conversation are answered in
        order of arrival. Two keys never share a conversation."""
        return await service.answer(caller, request)

    @post(
        "/v1/choose",
        summary="Answer a question of the bot by a button",
    )
    async def choose(request: ChooseRequest, caller: From) -> AnswerResult:
        """For buttons below a reply whose `question` is true. What the customer chose counts, even
        if the question is no longer held."""
        return await service.choose(caller, request)

    @post(
        "/v1/explain",
        summary="Show which words decide a verdict",
    )
    async def explain(request: ExplainRequest, caller: From) -> ExplainResult:
        """Judges the review once more without each word, which costs as much as up to fifty
        reviews and takes a second or two."""
        return await service.explain(caller, request)


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Errors for the OpenAPI document."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    documented: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        documented[status] = {
            "description": _ERRORS[status],
            "content": {problems.MEDIA_TYPE: {"schema": schema}},
        }
        if status in (429, 503):
            seconds = {"type": "integer", "minimum": 1}
            documented[status]["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": seconds}
            }
    return documented


def _complete_document(app: FastAPI, access: Access) -> None:
    """Adds the schema of the errors, which no route returns, and what visitors may do."""
    whole = app.openapi()  # kept by the app
    schemas = whole["components"]["schemas"]
    document = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    document.pop("$defs", None)
    schemas["ProblemDocument"] = document
    if access.has_visitors:
        for path in VISITOR_PATHS:
            whole["paths"][path]["post"]["security"].append({})  # or none
