"""Notices that a server's staff get without asking: unusually many complaints, a weekly digest,
and that customers agree with a checkpoint less often than its test promised. The first two are off
until the server's admins turn them on. None comes in their quiet hours.

A notice is noted before it is sent: a bot that is killed in between loses one rather than saying it
twice.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from bot.desk.agreement import MAX_FALSE_ALARM, has_fallen, on_verdicts
from bot.desk.complaints import MAX_P_VALUE, Alarm, find_alarm, span
from bot.desk.desk import Desk
from bot.desk.store import ServerSettings
from bot.desk.store.figures import hour_of
from bot.desk.store.server_settings import ALERTS, DIGEST
from bot.desk.summary import Period, Votes, in_words, percent, plural, summarise
from bot.errors import StoreError
from bot.logs import SeldomLog

log = logging.getLogger(__name__)

NOTICE_SECONDS = 300.0
"""Between two looks for what is to be said."""
FALL_NOTICE = "fall"
DIGEST_DAY, DIGEST_HOUR = "mon", 9
"""When the digest is due, in the time zone of the server."""

Say = Callable[[str, str, str], Awaitable[bool]]
"""Sends a text to a channel, and returns whether it did. The last argument is a name of up to 5
characters, the same for the same notice, so that a second attempt is no second message."""


Expected = Callable[[str], Awaitable[float | None]]
"""The share of a checkpoint's verdicts that were right in its test (0 to 1); None: not known."""


class Notices:
    """Looks, for every server that wants them, whether there is something to say."""

    def __init__(self, desk: Desk, say: Say, expected: Expected) -> None:
        self._desk = desk
        self._say = say
        self._expected = expected
        self._checked: dict[str, datetime] = {}
        """The hour of each server that was looked at last."""
        self._seldom = SeldomLog(log)

    async def look(self) -> None:
        """Says what is due. Errors of the store are logged; the next look tries again."""
        now = self._desk.clock()
        try:
            for server, settings in (await self._desk.store.all_settings()).items():
                if settings.staff_channel is None or settings.is_quiet(now):
                    continue
                if self._checked.get(server) != hour_of(now):
                    if settings.alerts:
                        await self._look_at_complaints(server, settings, now)
                    await self._look_at_votes(server, settings, now)
                    self._checked[server] = hour_of(now)
                if settings.digest:
                    await self._look_at_digest(server, settings, now)
        except StoreError as error:
            self._seldom.log(logging.ERROR, f"Staff were not notified. {error}")

    async def _look_at_complaints(
        self, server: str, settings: ServerSettings, now: datetime
    ) -> None:
        """Says once that complaints are above their usual level, until an hour is as usual."""
        store = self._desk.store
        alarm = find_alarm(await store.figures(server, *span(now)), now)
        if alarm is not None:
            before = await store.noticed(server, ALERTS)
            is_new = before is None or before < alarm.hour - timedelta(hours=1)
            await store.note(server, ALERTS, alarm.hour)
            if is_new:
                text = alarm_text(alarm, settings)
                await self._send(server, settings, text, f"a{alarm.hour:%d%H}")

    async def _look_at_votes(self, server: str, settings: ServerSettings, now: datetime) -> None:
        """Says once of each checkpoint that votes on it are lower than its test by more than
        chance."""
        store = self._desk.store
        for name, votes in on_verdicts(await store.vote_totals(server, settled=True)).items():
            if not name or await store.noticed(server, FALL_NOTICE, name) is not None:
                continue
            expected = await self._expected(name)
            if expected is None or not has_fallen(votes, expected):
                continue
            await store.note(server, FALL_NOTICE, now, name)
            log.warning(
                "In %s, %s of %d votes on %s say right; in its test, %s of the verdicts were",
                server,
                percent(votes.agreement or 0.0),
                votes.number,
                name,
                percent(expected),
            )
            await self._send(server, settings, fall_text(votes, expected), f"v{now:%d%H}")

    async def _look_at_digest(self, server: str, settings: ServerSettings, now: datetime) -> None:
        """Says how the last week was, once it is over."""
        store = self._desk.store
        due = last_due(now, settings.time_zone)
        before = await store.noticed(server, DIGEST)
        if before is not None and before >= due:
            return
        await store.note(server, DIGEST, now)
        if before is not None:  # or it was turned on after the last one
            text = await self._digest(server, due)
            await self._send(server, settings, text, f"d{due:%W}")

    async def _digest(self, server: str, due: datetime) -> str:
        """The seven days before the one on which it is due (a local time)."""
        store = self._desk.store
        end = due.replace(hour=0, minute=0, second=0, microsecond=0)
        steps = [end - timedelta(days=days) for days in range(7, -1, -1)]
        figures = await store.figures(server, steps[0], steps[-1])
        summary = summarise(figures, Period.WEEK, steps)
        last = steps[-2]
        title = f"The week from {_day(steps[0])} to {_day(last)}"
        waiting = len(await store.open_cards(server))
        waits = f"Not closed yet: {plural(waiting, 'card')}" if waiting else "No card is open."
        return "\n".join([in_words(summary, title), waits])

    async def _send(self, server: str, settings: ServerSettings, text: str, name: str) -> None:
        assert settings.staff_channel is not None
        if not await self._say(settings.staff_channel, text, name):
            self._seldom.log(logging.WARNING, f"A notice did not reach the staff of {server}")


def last_due(now: datetime, time_zone: str) -> datetime:
    """When the latest digest was due: a local time that is not after `now`."""
    trigger = CronTrigger(day_of_week=DIGEST_DAY, hour=DIGEST_HOUR, timezone=ZoneInfo(time_zone))
    due: datetime = trigger.get_next_fire_time(None, now - timedelta(days=8))
    while (following := trigger.get_next_fire_time(due, due + timedelta(seconds=1))) <= now:
        due = following
    return due


def alarm_text(alarm: Alarm, settings: ServerSettings) -> str:
    """What staff read about an hour with more complaints than usual."""
    start = alarm.hour.astimezone(ZoneInfo(settings.time_zone))
    end = start + timedelta(hours=1)
    one_in = round(1 / MAX_P_VALUE)
    return (
        f"**More complaints than usual.** Between {start:%H:%M} and {end:%H:%M}, "
        f"{alarm.now.complaints:,} of {alarm.now.verdicts:,} reviews were complaints "
        f"({percent(alarm.now.share)}); in the four weeks before, {percent(alarm.usual.share)}.\n"
        f"-# Fisher's exact test. By chance alone, at most one hour in {one_in:,} looks like this."
    )


def fall_text(votes: Votes, expected: float) -> str:
    """What staff read about votes; models are the operator's, so none is named."""
    return (
        f"**I am right less often than expected.** Of {plural(votes.number, 'vote')} on praise and "
        f"complaints, {percent(votes.agreement or 0.0)} say that I was right; in my test, "
        f"{percent(expected)} of the verdicts were. The person who runs me can see more.\n"
        "-# Wald's sequential probability ratio test. By chance alone, at most "
        f"{percent(MAX_FALSE_ALARM)} of checkpoints ever get this message. Those who disagree may "
        "vote more often than others."
    )


def _day(day: datetime) -> str:
    return f"{day:%a} {day.day} {day:%b}"
