"""Serves the application until SIGTERM or Ctrl-C, and finishes the requests in flight."""

import asyncio
import contextlib
import ipaddress
import logging
import math
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import uvicorn

from bot.conversation.concierge import Concierge
from bot.errors import BotError, SettingsError
from bot.frontends.http.access import Access
from bot.frontends.http.app import create_app
from bot.frontends.http.gate import Gate
from bot.frontends.http.keys import Keyring
from bot.frontends.http.service import ANSWER_SECONDS, Service
from bot.logs import whereabouts
from bot.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""Between two checks for a promotion elsewhere and for edited sentences."""

KEEP_ALIVE_SECONDS = 10

Look = Callable[[], Awaitable[object]]
Opened = AbstractAsyncContextManager[tuple[Concierge, list[Look]]]


async def serve(settings: Settings, opened: Opened) -> None:
    """Answers over HTTP until SIGTERM or Ctrl-C, then finishes the requests in flight.

    The server listens at once; `opened` loads the model meanwhile, and gives the concierge and what
    is to be called every LOOK_SECONDS.

    Raises SettingsError: the address cannot be used, or not by those who reach it (`Access.of`);
    InputError: the keys cannot be read; and whatever `opened` raises.
    """
    keyring = Keyring()
    access = Access.of(settings, has_keys=keyring.has_keys)
    service = Service(settings)
    server = Server(Gate(create_app(service, access), keyring, service.metrics, access), access)
    listening = listen("HTTP", settings.http_host, settings.http_port)
    serving = asyncio.create_task(server.serve([listening]))
    ready = asyncio.create_task(_stay_ready(service, opened))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    try:
        log.info("Listening on http://%s", address_of(listening))
        await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        await serving  # the model answers the last requests
        ready.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        with contextlib.suppress(asyncio.CancelledError):
            await ready


class Server(uvicorn.Server):
    """Uvicorn's server, as this front end needs it."""

    def __init__(self, gate: Gate, access: Access) -> None:
        super().__init__(
            uvicorn.Config(
                gate,
                http="h11",  # whatever else is installed
                access_log=False,  # it would contain what clients write into an address
                log_config=None,
                lifespan="off",
                proxy_headers=bool(access.proxies),
                forwarded_allow_ips=[*access.proxies],
                server_header=False,
                ws="none",
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=math.ceil(ANSWER_SECONDS),
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals alone: Uvicorn would end the process by the signal as soon as the last
        request is answered, before the engine is closed."""
        yield

    def stop(self) -> None:
        """Finishes the requests in flight; when called again, does not."""
        log.info("Finishing the requests in flight, and stopping")
        self.force_exit = self.should_exit
        self.should_exit = True


async def _stay_ready(service: Service, opened: Opened) -> None:
    """Loads the model, and follows promotions and edits until it is cancelled."""
    async with opened as (service.concierge, looks):
        service.metrics.watch(service.concierge.engine)
        log.info("Ready: %s is serving", service.concierge.engine.checkpoint)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for look in looks:
                try:
                    outcome = await look()
                except Exception as error:  # a bug, which must not end the watching
                    log.error("Looking for changes failed: %s", whereabouts(error))
                    continue
                if isinstance(outcome, BotError):
                    log.error("The sentences stay as they were. %s", outcome)


def listen(settings: str, host: str, port: int) -> socket.socket:
    """A socket that accepts connections. `settings` is what the names of the two settings begin
    with. Raises SettingsError."""
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise SettingsError(
            f"The server cannot listen on {settings}_HOST {host} and {settings}_PORT {port} "
            f"({os.strerror(error.errno or 0)}): choose another port, or an address of this machine"
        ) from None


def address_of(listening: socket.socket) -> str:
    """Host and port, as in a URL."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
