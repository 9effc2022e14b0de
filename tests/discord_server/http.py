"""HTTP around the operations: routes, authorisation, faults, records and contract checks."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from .api import Call, Operation, Reply
from .contract import Contract
from .faults import ApiError, Fault, Faults, reset_connection
from .messages import Attachment, Messages

API_PREFIX = "/api/v10"
_UPLOAD_LIMIT_BYTES = 25 * 2**20
_PUBLIC = ("/interactions/", "/webhooks/")  # their token is in the path
# A generous bucket. Without these headers discord.py sends the requests of a route one by one.
_RATE_LIMIT_HEADERS = {
    "X-RateLimit-Limit": "1000000",
    "X-RateLimit-Remaining": "999999",
    "X-RateLimit-Reset-After": "1",
}


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as answered. `status` is None where the connection was reset instead."""

    method: str
    path: str
    """Below the API's prefix, with its ids."""
    route: str
    """The path as in Discord's OpenAPI document, with its parameters in braces."""
    status: int | None
    at: float
    """Arrival, in seconds of `time.monotonic`."""


class HttpFront:
    """Builds the aiohttp application that serves the operations and the uploaded files."""

    def __init__(
        self,
        operations: dict[tuple[str, str], Operation],
        messages: Messages,
        faults: Faults,
        contract: Contract | None,
        token: str,
        on_change: Callable[[], None],
    ) -> None:
        self._operations = operations
        self._messages = messages
        self._faults = faults
        self._contract = contract
        self._authorization = f"Bot {token}"
        self._on_change = on_change
        self.requests: list[RecordedRequest] = []
        self.unknown_requests: list[str] = []
        self.violations: list[str] = []

    def application(self) -> web.Application:
        app = web.Application(client_max_size=_UPLOAD_LIMIT_BYTES)
        for (method, route), operation in self._operations.items():
            app.router.add_route(method, API_PREFIX + route, self._serve(method, route, operation))
        app.router.add_get("/attachments/{channel_id}/{upload_id}/{filename}", self._download)
        app.router.add_route("*", API_PREFIX + "/{rest:.*}", self._unknown)
        return app

    def _serve(self, method: str, route: str, operation: Operation) -> Callable[[web.Request], Any]:
        async def serve(request: web.Request) -> web.Response:
            arrived = time.monotonic()
            fault = self._faults.take(method, route)
            if fault is not None and fault.delay_s:
                await asyncio.sleep(fault.delay_s)
            if fault is not None and fault.until is not None:
                await fault.until.wait()
            status: int | None = None
            if fault is not None and fault.reset:
                reset_connection(request)
                response = web.Response()  # never sent
            else:
                status, body = await self._reply(request, route, operation, fault)
                if self._contract is not None and body is not None:
                    self.violations += self._contract.response(method, route, status, body)
                response = _json_response(status, body)
            path = request.path.removeprefix(API_PREFIX)
            self.requests.append(RecordedRequest(method, path, route, status, arrived))
            self._on_change()
            return response

        return serve

    async def _reply(
        self, request: web.Request, route: str, operation: Operation, fault: Fault | None
    ) -> Reply:
        is_public = route.startswith(_PUBLIC)
        if not is_public and request.headers.get("Authorization") != self._authorization:
            return 401, {"message": "401: Unauthorized", "code": 0}
        body, files = await _read(request)
        if self._contract is not None and body is not None:
            self.violations += self._contract.request(request.method, route, body)
        if fault is not None and fault.status is not None:
            return fault.reply()
        call = Call(dict(request.match_info), dict(request.query), body, files)
        try:
            return await operation(call)
        except ApiError as refused:
            return refused.status, refused.body

    async def _unknown(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix(API_PREFIX)
        self.unknown_requests.append(f"{request.method} {path}")
        self._on_change()
        return _json_response(404, {"message": "404: Not Found", "code": 0})

    async def _download(self, request: web.Request) -> web.Response:
        """What Discord's content delivery network serves: an attachment's bytes."""
        upload = self._messages.uploads.get(int(request.match_info["upload_id"]))
        if upload is None:
            raise web.HTTPNotFound
        return web.Response(body=upload.data)


async def _read(request: web.Request) -> tuple[Any, list[Attachment]]:
    """The JSON body (None where there is none) and the files that came with it."""
    if not request.content_type.startswith("multipart/"):
        raw = await request.read()
        return (json.loads(raw) if raw else None), []
    body: Any = None
    files: dict[str, Attachment] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data = bytes(await part.read())
        if part.name == "payload_json":
            body = json.loads(data)
        else:
            files[part.name or ""] = Attachment(part.filename or "", data)
    # Their descriptions are in the JSON, by the number in `files[number]`.
    message = body.get("data", body)
    for described in message.get("attachments", []):
        file = files.get(f"files[{described['id']}]")
        if file is not None:
            file.description = described.get("description")
    return body, list(files.values())


def _json_response(status: int, body: Any) -> web.Response:
    """JSON of the content type `application/json` to the letter.

    `web.json_response` appends a charset, with which discord.py takes the body for text.
    """
    headers = dict(_RATE_LIMIT_HEADERS)
    if status == 429:
        headers["Via"] = "1.1 google"  # without it discord.py takes the answer for an IP ban
    if body is None:
        return web.Response(status=status, headers=headers)
    headers["Content-Type"] = "application/json"
    return web.Response(status=status, headers=headers, body=json.dumps(body).encode())
