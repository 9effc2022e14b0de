"""The gateway (v10, JSON): sessions that outlive their websocket, and replay on RESUME.

Compression is what the client asks for by query: `zlib-stream` or none. A client that asks for
`zstd-stream` is sent plain text frames, which discord.py takes as well.
"""

import asyncio
import json
import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from aiohttp import WSMsgType, web

from .world import Json, World

GUILDS = 1 << 0
GUILD_MESSAGES = 1 << 9
GUILD_REACTIONS = 1 << 10
DIRECT_MESSAGES = 1 << 12
DIRECT_REACTIONS = 1 << 13
MESSAGE_CONTENT = 1 << 15
_PRIVILEGED = 1 << 1 | 1 << 8 | MESSAGE_CONTENT  # members, presences, content

HEARTBEAT_SECONDS = 41.25
_REPLAYABLE_EVENTS = 4096
"""How many events a session keeps; a RESUME from further back is refused, as by Discord."""
_CLOSE_TIMEOUT_S = 1.0
"""How long a close waits for the client's own close frame."""


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class _Connection:
    """One websocket, with the compression context that lives exactly as long."""

    def __init__(self, request: web.Request) -> None:
        self.socket = web.WebSocketResponse(
            timeout=_CLOSE_TIMEOUT_S, compress=False, max_msg_size=16 * 1024
        )
        self._request = request
        wants_zlib = request.query.get("compress") == "zlib-stream"
        self._zlib = zlib.compressobj() if wants_zlib else None

    async def send(self, text: str) -> None:
        """Frames are written in the order of the calls: nothing is awaited before the write."""
        if self._zlib is None:
            await self.socket.send_str(text)
        else:
            data = self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
            await self.socket.send_bytes(data)

    async def send_op(self, op: int, data: object = None) -> None:
        await self.send(json.dumps({"op": op, "d": data}))

    def abort(self) -> None:
        """Cut the TCP connection with no close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()


@dataclass(eq=False)
class _Session:
    """What READY began: it goes on without a websocket until it is invalidated."""

    intents: int
    connection: _Connection | None
    shard: tuple[int, int] | None
    """Its number and the number of all, as the client gave them; None: it gets everything."""
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    seq: int = 0
    sent: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=_REPLAYABLE_EVENTS))

    async def dispatch(self, event: str, data: str) -> None:
        """Number the event, keep it for a RESUME, and send it if a websocket is open."""
        self.seq += 1
        text = f'{{"op":0,"s":{self.seq},"t":"{event}","d":{data}}}'
        self.sent.append((self.seq, text))
        if self.connection is not None:
            try:
                await self.connection.send(text)
            except ConnectionError:
                self.connection = None

    def has(self, guild_id: int | None) -> bool:
        """Whether what happens in this guild is sent to it; None: in a direct conversation."""
        if self.shard is None:
            return True
        number, count = self.shard
        return number == shard_of(guild_id, count)

    def can_replay(self, seq: int) -> bool:
        return self.seq == seq or (bool(self.sent) and self.sent[0][0] <= seq + 1 <= self.seq)

    async def replay(self, connection: _Connection, seq: int) -> None:
        """Send what came after `seq`, and what comes meanwhile; only then go live."""
        while missed := [(number, text) for number, text in self.sent if number > seq]:
            for number, text in missed:
                await connection.send(text)
                seq = number
        self.connection = connection
        await self.dispatch("RESUMED", '{"_trace":[]}')


def shard_of(guild_id: int | None, count: int) -> int:
    """The shard that a guild belongs to (docs.discord.com, Gateway, "Sharding")."""
    return 0 if guild_id is None else (guild_id >> 22) % count


def _guild_id(event: str, data: object) -> int | None:
    """The guild that an event is about; None where it is about none, or makes no sense."""
    name = "id" if event in ("GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE") else "guild_id"
    value = str(data.get(name)) if isinstance(data, dict) else ""
    return int(value) if value.isdecimal() else None


class Gateway:
    """Accepts websockets and sends events to every session whose intents ask for them."""

    def __init__(
        self,
        world: World,
        token: str,
        privileged_intents: int,
        on_change: Callable[[], None],
        *,
        max_concurrency: int = 1,
        identify_seconds: float = 0.0,
    ) -> None:
        """`identify_seconds`: between two IDENTIFYs of shards in the same of `max_concurrency`
        groups; an earlier one is refused with op 9."""
        self._world = world
        self._token = token
        self._privileged_intents = privileged_intents
        self._on_change = on_change
        self._max_concurrency = max_concurrency
        self._identify_seconds = identify_seconds
        self._identified_at: dict[int, float] = {}
        """When each group of shards has identified last."""
        self.refused = 0
        """IDENTIFYs that came too early."""
        self._sessions: dict[str, _Session] = {}
        self._connections: set[_Connection] = set()
        self.resume_url = ""
        """What READY tells the client, known once the server listens."""
        self.identifies: list[Json] = []
        """The data of each accepted IDENTIFY: token, intents, properties."""
        self.resumes: list[Json] = []
        """The data of each accepted RESUME: token, session_id, seq."""
        self.heartbeats = 0
        self.heartbeat_seconds = HEARTBEAT_SECONDS
        """Asked of connections from now on."""

    @property
    def is_connected(self) -> bool:
        return any(session.connection is not None for session in self._sessions.values())

    async def dispatch(
        self, event: str, data: object, *, intent: int = 0, withheld: Json | None = None
    ) -> None:
        """Send to each session with `intent` (0: to all).

        `withheld` replaces `data` for sessions without the message-content intent.
        """
        text = json.dumps(data)
        reduced = text if withheld is None else json.dumps(withheld)
        guild_id = _guild_id(event, data)
        for session in list(self._sessions.values()):
            if not session.has(guild_id):
                continue
            if not intent or session.intents & intent:
                await session.dispatch(
                    event, text if session.intents & MESSAGE_CONTENT else reduced
                )

    @property
    def shards(self) -> set[int]:
        """The numbers of the shards that are connected."""
        sessions = [s for s in self._sessions.values() if s.connection is not None]
        return {session.shard[0] for session in sessions if session.shard is not None}

    async def close_connections(self, code: int | None, shard: int | None = None) -> None:
        """Close every websocket, or that of a shard, with this code, or cut it (None).

        Sessions stay resumable.
        """
        for connection in self._detach(shard):
            if code is None:
                connection.abort()
            else:
                await connection.socket.close(code=code)

    async def reconnect(self) -> None:
        """Op 7: the client is to close and RESUME."""
        for connection in self._detach():
            await connection.send_op(Op.RECONNECT)

    async def invalidate(self, *, resumable: bool, shard: int | None = None) -> None:
        """Op 9: the client is to RESUME, or, where that is of no use, to IDENTIFY anew."""
        connections = self._detach(shard)
        if not resumable:
            for session in self._of(shard):
                del self._sessions[session.id]
        for connection in connections:
            await connection.send_op(Op.INVALID_SESSION, resumable)

    def _of(self, shard: int | None) -> list[_Session]:
        """The sessions of a shard; None: all."""
        sessions = list(self._sessions.values())
        return [s for s in sessions if shard is None or (s.shard or (None,))[0] == shard]

    def _detach(self, shard: int | None = None) -> list[_Connection]:
        """The open websockets, or that of a shard, to which no session sends any more."""
        sessions = self._of(shard)
        connections = [s.connection for s in sessions if s.connection is not None]
        for session in sessions:
            session.connection = None
        return list(self._connections) if shard is None else connections

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One websocket from HELLO to its close."""
        connection = _Connection(request)
        session: _Session | None = None
        try:
            await connection.socket.prepare(request)
            self._connections.add(connection)
            interval = round(1_000 * self.heartbeat_seconds)
            await connection.send_op(Op.HELLO, {"heartbeat_interval": interval})
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    session = await self._receive(connection, session, json.loads(message.data))
        except ConnectionError:
            pass  # the client went away in the middle of an answer
        finally:
            self._connections.discard(connection)
            self._left(connection, session)
        return connection.socket

    def _left(self, connection: _Connection, session: _Session | None) -> None:
        if session is None or session.connection is not connection:
            return
        session.connection = None
        # Discord ends the session where the client itself closes with 1000 or 1001.
        if connection.socket.close_code in (1000, 1001):
            self._sessions.pop(session.id, None)
        self._on_change()

    async def _receive(
        self, connection: _Connection, session: _Session | None, message: Json
    ) -> _Session | None:
        """Answer one frame; returns the session that the websocket now belongs to."""
        match message["op"]:
            case Op.HEARTBEAT:
                self.heartbeats += 1
                await connection.send_op(Op.HEARTBEAT_ACK)
            case Op.IDENTIFY:
                session = await self._identify(connection, message["d"])
            case Op.RESUME:
                session = await self._resume(connection, message["d"])
            case _ if session is None:
                await connection.socket.close(code=4003, message=b"Not authenticated.")
        return session

    async def _identify(self, connection: _Connection, data: Json) -> _Session | None:
        if data["token"] != self._token:
            await connection.socket.close(code=4004, message=b"Authentication failed.")
            return None
        if data["intents"] & _PRIVILEGED & ~self._privileged_intents:
            await connection.socket.close(code=4014, message=b"Disallowed intent(s).")
            return None
        shard = (data["shard"][0], data["shard"][1]) if "shard" in data else None
        if not self._may_identify(shard):
            self.refused += 1
            await connection.send_op(Op.INVALID_SESSION, False)
            return None
        session = _Session(data["intents"], connection, shard)
        self._sessions[session.id] = session
        world = self._world
        guilds = [guild for guild in world.guilds.values() if session.has(guild.id)]
        ready: Json = {
            "v": 10,
            "user": {**world.bot.payload, "verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.resume_url,
            "application": {"id": str(world.bot.id), "flags": 0},
        }
        if "shard" in data:
            ready["shard"] = data["shard"]
        await session.dispatch("READY", json.dumps(ready))
        if session.intents & GUILDS:
            for guild in guilds:
                await session.dispatch("GUILD_CREATE", json.dumps(guild.create_payload))
        self.identifies.append(data)
        self._on_change()
        return session

    def _may_identify(self, shard: tuple[int, int] | None) -> bool:
        group = (shard or (0,))[0] % self._max_concurrency
        now = time.monotonic()
        if now < self._identified_at.get(group, -self._identify_seconds) + self._identify_seconds:
            return False
        self._identified_at[group] = now
        return True

    async def _resume(self, connection: _Connection, data: Json) -> _Session | None:
        session = self._sessions.get(data["session_id"])
        if data["token"] != self._token or session is None or not session.can_replay(data["seq"]):
            self._sessions.pop(data["session_id"], None)
            await connection.send_op(Op.INVALID_SESSION, False)
            return None
        await session.replay(connection, data["seq"])
        self.resumes.append(data)
        self._on_change()
        return session

    async def aclose(self) -> None:
        self._sessions.clear()
        await asyncio.gather(*(c.socket.close(code=1001) for c in list(self._connections)))
