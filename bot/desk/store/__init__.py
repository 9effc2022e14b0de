"""The desk's store: cards, votes, figures and the settings of servers.

    async with open_store(settings) as store:
        settings = await store.settings("discord:123")

Importing it takes a moment (SQLAlchemy): commands that need it import it when they run.
"""

from bot.desk.store.figures import CardCount, Figures, Histogram, ReplyCount, VoteCount, VoteTotal
from bot.desk.store.records import Card, CardState, Claim, Forgotten, Opened, Request, Storm
from bot.desk.store.server_settings import Hours, ServerSettings, Shift
from bot.desk.store.store import Store, open_store

__all__ = [
    "Card",
    "CardCount",
    "CardState",
    "Claim",
    "Figures",
    "Forgotten",
    "Histogram",
    "Hours",
    "Opened",
    "ReplyCount",
    "Request",
    "ServerSettings",
    "Shift",
    "Store",
    "Storm",
    "VoteCount",
    "VoteTotal",
    "open_store",
]
