"""In front of the application: what is decided before a body is read, and the access log.

The log has no query, no unknown path and no other words of a client. The framework's own limit on
bodies is not used, because it answers in plain text.
"""

import asyncio
import logging
import time
from contextlib import nullcontext, suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.errors import InputError
from bot.frontends.http import pages
from bot.frontends.http.access import LOCAL, VISITOR_PATHS, Access, Caller, is_loopback
from bot.frontends.http.keys import Keyring
from bot.frontends.http.metrics import Metrics
from bot.frontends.http.problems import Problem
from bot.frontends.http.service import RETRY_SECONDS
from bot.logs import SeldomLog, whereabouts
from bot.tracing import span

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 262_144
BODY_SECONDS = 10.0
"""For a body to arrive completely."""

DISCARD_SECONDS = 1.0
MAX_DISCARDED_BYTES = 4_194_304
"""Of the body of a request that is refused."""

MAX_REQUESTS = 512
"""Requests at once: with the largest bodies, 128 MiB."""

PATHS = (
    *pages.PATHS,
    "/openapi.json",
    "/v1/classify",
    "/v1/answer",
    "/v1/choose",
    "/v1/explain",
    "/livez",
    "/readyz",
    "/metrics",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
TRACED = "/v1/"
GUARDED = (TRACED, "/metrics")
OTHER = "(another path)"


class Gate:
    """Lets requests through to `app`: those that `access` lets in."""

    def __init__(self, app: ASGIApp, keyring: Keyring, metrics: Metrics, access: Access) -> None:
        self._app = app
        self._metrics = metrics
        self._keyring = keyring
        self._access = access
        self._running = 0
        self._seldom = SeldomLog(log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        answer = _Answer(send, is_traced=scope["path"].startswith(TRACED))
        body = _Body(Headers(scope=scope), receive)
        began = time.monotonic()
        scope.setdefault("state", {})
        self._running += 1
        try:
            await self._pass(scope, body, answer)
        except Problem as problem:
            response = problem.response()
            if not body.is_read:
                await body.discard()
                response.headers["Connection"] = "close"
            await response(scope, receive, answer)
        except Exception as error:  # its message may contain a text
            self._seldom.log(logging.ERROR, f"A request failed: {whereabouts(error)}")
            if not answer.status:
                await Problem(500, "This is a bug of the server. Please report it.").response()(
                    scope, receive, answer
                )
        finally:
            self._running -= 1
            seconds = time.monotonic() - began
            self._metrics.count_request(_known_path(scope), answer.status, seconds)
            _log_access(scope, answer.status, seconds)

    async def _pass(self, scope: Scope, body: "_Body", send: Send) -> None:
        """Raises Problem."""
        headers = body.headers
        if scope["path"].startswith(GUARDED):
            if self._running > MAX_REQUESTS:
                detail = "The server has too many requests at once. Try again."
                raise Problem(503, detail, retry_after=RETRY_SECONDS)
            scope["state"]["caller"] = self._identify(scope, headers)
            if scope["method"] == "POST":
                _check_content_type(headers)
        await body.read()
        if scope["path"].startswith(TRACED):
            with span("receive", front_end="http", address=_known_path(scope)):
                await self._app(scope, body.replay, send)
        else:
            await self._app(scope, body.replay, send)

    def _identify(self, scope: Scope, headers: Headers) -> Caller:
        """Who sent the request. Raises Problem: 401, or 421 for a foreign host."""
        if not self._access.needs_key:
            _require_local(headers)
            return Caller(LOCAL)
        may_be_visitor = self._access.has_visitors and scope["path"] in VISITOR_PATHS
        if may_be_visitor and "authorization" not in headers:
            return self._visitor(scope, headers)
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        try:
            key = self._keyring.find(secret.strip()) if scheme.lower() == "bearer" else None
        except InputError as error:
            self._seldom.log(logging.ERROR, str(error))
            detail = "The server cannot check keys at the moment; its log says why."
            raise Problem(503, detail, retry_after=RETRY_SECONDS) from None
        if key is None:
            raise Problem(401, "Give a valid key: Authorization: Bearer KEY")
        return Caller(key.name)

    def _visitor(self, scope: Scope, headers: Headers) -> Caller:
        if "x-forwarded-for" in headers and not self._access.proxies:
            self._seldom.log(
                logging.WARNING,
                "Visitors come through a reverse proxy that HTTP_PROXIES does not name, so they "
                "all share one limit",
            )
        client = scope.get("client")
        return Caller.visitor(client and client[0])


class _Answer:
    """Passes the response on, and notes its status."""

    def __init__(self, send: Send, *, is_traced: bool) -> None:
        self._send = send
        self._is_traced = is_traced
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            await self._send(message)
        else:
            with span("reply", status=self.status) if self._is_traced else nullcontext():
                await self._send(message)


def _require_local(headers: Headers) -> None:
    """Raises Problem: a web page whose name resolves to this machine (DNS rebinding), or a reverse
    proxy, through which others reach it."""
    if not _is_local(headers.get("host", "")) or "x-forwarded-for" in headers:
        raise Problem(
            421,
            "This server has no keys, so it answers only to localhost, and not through a proxy. "
            "Create a key with: python -m bot http-key add NAME, and restart the server.",
        )


def _is_local(host: str) -> bool:
    """Whether the Host header names this machine, with or without a port."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return name.lower() == "localhost" or is_loopback(name)
    except ValueError:
        return False


def _check_content_type(headers: Headers) -> None:
    """Raises Problem. Browsers send other types across sites without asking first."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "Send the body as JSON: Content-Type: application/json")


class _Body:
    """A request's body, of bounded size."""

    def __init__(self, headers: Headers, receive: Receive) -> None:
        self.headers = headers
        self.is_read = False
        """Whether it has arrived completely."""
        self._receive = receive
        self._waiting: list[Message] = []

    async def read(self) -> None:
        """Reads it all, within a bounded time. Raises Problem."""
        length = self.headers.get("content-length", "")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            raise _too_large()
        content = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while not self.is_read:
                    content += await self._next_part()
                    if len(content) > MAX_BODY_BYTES:
                        raise _too_large()
        except TimeoutError:
            detail = f"The body did not arrive within {BODY_SECONDS:.0f} seconds."
            raise Problem(408, detail) from None
        self._waiting = [{"type": "http.request", "body": bytes(content), "more_body": False}]

    async def discard(self) -> None:
        """Reads and drops the rest for a moment: if a connection is closed with data unread, the
        client may get an error of the network in place of the response."""
        size = 0
        with suppress(Problem, TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                while not self.is_read and size < MAX_DISCARDED_BYTES:
                    size += len(await self._next_part())

    async def replay(self) -> Message:
        """Gives the application what was read, and then what the server has to say."""
        return self._waiting.pop() if self._waiting else await self._receive()

    async def _next_part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "The connection ended before the body was complete.")
        self.is_read = not message.get("more_body", False)
        body: bytes = message.get("body", b"")
        return body


def _too_large() -> Problem:
    return Problem(413, f"The body is larger than {MAX_BODY_BYTES:,} bytes.")


def _known_path(scope: Scope) -> str:
    path: str = scope["path"]
    return path if path in PATHS else OTHER


def _log_access(scope: Scope, status: int, seconds: float) -> None:
    path = _known_path(scope)
    method = scope["method"] if scope["method"] in METHODS else "(another method)"
    caller: Caller | None = scope["state"].get("caller")
    key = "-" if caller is None else caller.name
    fields = {
        "method": method,
        "path": path,
        "status": status,
        "milliseconds": round(1000 * seconds, 1),
        "key": key,
    }
    # Probes and Prometheus come every few seconds.
    level = logging.INFO if path.startswith("/v1/") else logging.DEBUG
    line = "%s %s %d, %.0f ms, key %s"
    log.log(level, line, method, path, status, 1000 * seconds, key, extra={"fields": fields})
