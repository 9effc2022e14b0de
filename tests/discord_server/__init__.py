"""A loopback Discord, REST and gateway, against which the real discord.py runs unmodified.

    async with DiscordServer() as server:
        with point_discord_py_at(server):
            ...  # start a client with server.token
            await server.ready()
            question = await server.say(server.channel, "What a film!")
            reply = await server.wait_for_reply(question)

`world` holds the people and places, `messages` and `interactions` the things sent, `posting` what
becomes of the bot's messages, `api` the REST operations, `http` what is around them, `gateway` the
websocket, `faults` failures on demand, `contract` the check against Discord's OpenAPI document,
and `server` puts them together.
"""

from .client import bot_process_argv, point_discord_py_at
from .faults import Fault
from .http import RecordedRequest
from .interactions import Interaction
from .messages import Attachment, Message, Posted
from .server import DiscordServer
from .world import ADMINISTRATOR, EVERY_PERMISSION, Channel, Guild, Member, Role, User, World

__all__ = [
    "ADMINISTRATOR",
    "EVERY_PERMISSION",
    "Attachment",
    "Channel",
    "DiscordServer",
    "Fault",
    "Guild",
    "Interaction",
    "Member",
    "Message",
    "Posted",
    "RecordedRequest",
    "Role",
    "User",
    "World",
    "bot_process_argv",
    "point_discord_py_at",
]
