"""Failures on demand: what a route answers, for its next few requests, instead of working."""

import asyncio
import socket
from collections import defaultdict, deque
from dataclasses import dataclass

from aiohttp import web

from .world import Json

# What Discord answers with by status: its JSON error code and message.
_ERRORS = {
    400: (50035, "Invalid Form Body"),
    401: (0, "401: Unauthorized"),
    403: (50013, "Missing Permissions"),
    404: (10008, "Unknown Message"),
    429: (0, "You are being rate limited."),
}


class ApiError(Exception):
    """A request refused by the API: its status, Discord's error code and, for a form, details."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors


def form_error(field: str, code: str, message: str) -> ApiError:
    """A 400 that names the field which was refused."""
    details = {field: {"_errors": [{"code": code, "message": message}]}}
    return ApiError(400, *_ERRORS[400], details)


@dataclass(eq=False)
class Fault:
    """One armed failure; `left` counts down to 0 as requests meet it."""

    left: int
    status: int | None
    code: int | None
    retry_after_s: float
    delay_s: float
    until: asyncio.Event | None
    """Requests wait for it."""
    reset: bool

    def reply(self) -> tuple[int, Json]:
        """The status and body of the refusal."""
        assert self.status is not None
        code, message = _ERRORS.get(self.status, (0, f"{self.status}: Server Error"))
        body: Json = {"message": message, "code": code if self.code is None else self.code}
        if self.status == 429:
            body |= {"retry_after": self.retry_after_s, "global": False}
        return self.status, body


class Faults:
    """The armed failures of each route, first in, first out."""

    def __init__(self) -> None:
        self._armed: defaultdict[tuple[str, str], deque[Fault]] = defaultdict(deque)

    def arm(self, method: str, route: str, fault: Fault) -> None:
        self._armed[method, route].append(fault)

    def take(self, method: str, route: str) -> Fault | None:
        """The failure that the next request of this route meets, if any."""
        armed = self._armed.get((method, route))
        if not armed:
            return None
        fault = armed[0]
        fault.left -= 1
        if fault.left == 0:
            armed.popleft()
        return fault


def reset_connection(request: web.Request) -> None:
    """Send the peer a TCP RST: with a linger of 0 s, closing drops whatever was still to come."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    transport.abort()
