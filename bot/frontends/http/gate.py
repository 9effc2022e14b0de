"""In front of the application: what is decided before a body is read, and the access log.

The log has no query, no unknown path and no other words of a client. The framework's own limit on
bodies is not used, because it answers in plain text.
"""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.errors import InputError
from bot.frontends.http.keys import Keyring
from bot.frontends.http.problems import Problem
from bot.frontends.http.service import RETRY_SECONDS
from bot.logs import SeldomLog, whereabouts

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 262_144
BODY_SECONDS = 10.0
"""For a body to arrive completely."""

MAX_REQUESTS = 512
"""Requests at once: with the largest bodies, 128 MiB."""

PATHS = ("/v1/classify", "/v1/answer", "/v1/explain", "/livez", "/readyz", "/openapi.json")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
GUARDED = "/v1/"
LOCAL = "local"
"""In place of a key's name, on a server without keys."""


class Gate:
    """Lets requests through to `app`: those with a key, if `keyring` has keys or `host` is not
    loopback."""

    def __init__(self, app: ASGIApp, keyring: Keyring, host: str) -> None:
        self._app = app
        self._keyring = keyring
        self._needs_key = keyring.has_keys or not is_loopback(host)
        self._running = 0
        self._seldom = SeldomLog(log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        answer = _Answer(send)
        began = time.monotonic()
        scope.setdefault("state", {})
        self._running += 1
        try:
            await self._pass(scope, receive, answer)
        except Problem as problem:
            await problem.response()(scope, receive, answer)
        except Exception as error:  # its message may contain a text
            self._seldom.log(logging.ERROR, f"A request failed: {whereabouts(error)}")
            if not answer.status:
                await Problem(500, "This is a bug of the server. Please report it.").response()(
                    scope, receive, answer
                )
        finally:
            self._running -= 1
            _log_access(scope, answer.status, time.monotonic() - began)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Problem."""
        headers = Headers(scope=scope)
        if scope["path"].startswith(GUARDED):
            if self._running > MAX_REQUESTS:
                detail = "The server has too many requests at once. Try again."
                raise Problem(503, detail, retry_after=RETRY_SECONDS)
            scope["state"]["key"] = self._identify(headers)
            if scope["method"] == "POST":
                _check_content_type(headers)
        body = await _read_body(headers, receive)
        await self._app(scope, _replay(body, receive), send)

    def _identify(self, headers: Headers) -> str:
        """The name of the request's key. Raises Problem: 401, or 421 for a foreign host."""
        if not self._needs_key:
            if not _is_local(headers.get("host", "")):
                # A web page whose name resolves to this machine (DNS rebinding), or a proxy.
                raise Problem(
                    421,
                    "This server has no keys, so it answers only to localhost. Create a key with: "
                    "python -m bot http-key add NAME, and restart the server.",
                )
            return LOCAL
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        try:
            key = self._keyring.find(secret.strip()) if scheme.lower() == "bearer" else None
        except InputError as error:
            self._seldom.log(logging.ERROR, str(error))
            detail = "The server cannot check keys at the moment; its log says why."
            raise Problem(503, detail, retry_after=RETRY_SECONDS) from None
        if key is None:
            raise Problem(401, "Give a valid key: Authorization: Bearer KEY")
        return key.name


class _Answer:
    """Passes the response on, and notes its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


def is_loopback(host: str) -> bool:
    """Whether an IP address belongs to this machine alone."""
    return ipaddress.ip_address(host).is_loopback


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


async def _read_body(headers: Headers, receive: Receive) -> bytes:
    """The whole body, of bounded size and within a bounded time. Raises Problem."""
    too_large = Problem(413, f"The body is larger than {MAX_BODY_BYTES:,} bytes.")
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(400, "The connection ended before the body was complete.")
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        detail = f"The body did not arrive within {BODY_SECONDS:.0f} seconds."
        raise Problem(408, detail) from None


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Gives the body that was read, and then whatever the server has to say."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _log_access(scope: Scope, status: int, seconds: float) -> None:
    path = scope["path"] if scope["path"] in PATHS else "(another path)"
    method = scope["method"] if scope["method"] in METHODS else "(another method)"
    # Probes come every few seconds.
    level = logging.INFO if path.startswith(GUARDED) else logging.DEBUG
    key = scope["state"].get("key", "-")
    log.log(level, "%s %s %d, %.0f ms, key %s", method, path, status, 1000 * seconds, key)
