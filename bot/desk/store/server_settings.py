"""How a server wants its desk."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from bot.desk.store.checks import check_reference

DEFAULT_RETENTION_DAYS = 90
"""How long a server's cards and figures are kept, where its settings say nothing else."""
MAX_RETENTION_DAYS = 3650
MAX_REMINDER_MINUTES = 7 * 24 * 60
MAX_LIST = 100
"""Entries of a list in a server's settings."""

ALERTS, DIGEST = "alerts", "digest"
"""The names of notices that a server can turn on and off."""

_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` until before `end`, by the clock on the wall.

    Over midnight where `end` is not after `start`; the whole day where both are equal.
    """

    start: time
    end: time

    def begins_and_covers(self, moment: time) -> bool:
        """Whether it covers this time of the day on which it begins."""
        return self.start <= moment and (moment < self.end or self.end <= self.start)

    def covers_next_day(self, moment: time) -> bool:
        """Whether it covers this time of the day after it began."""
        return self.end <= self.start and moment < self.end


@dataclass(frozen=True, slots=True)
class Shift:
    """Working hours that begin on one day of the week; 0 is Monday."""

    weekday: int
    hours: Hours

    def __post_init__(self) -> None:
        if not 0 <= self.weekday <= 6:
            raise ValueError("weekday must be from 0 (Monday) to 6 (Sunday)")

    def covers(self, local: datetime) -> bool:
        """Whether it covers this local time."""
        if local.weekday() == self.weekday:
            return self.hours.begins_and_covers(local.time())
        is_next_day = local.weekday() == (self.weekday + 1) % 7
        return is_next_day and self.hours.covers_next_day(local.time())


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server wants its desk. The defaults are those of a server without set-up.

    Raises ValueError, with a sentence that names the field, where a value is not allowed.
    """

    staff_channel: str | None = None
    """Where cards go; None: no one is handed over."""
    staff_roles: tuple[str, ...] = ()
    """Whose members may work on cards."""
    mention_role: str | None = None
    """A role that a card notifies; None: it notifies no one."""
    working_hours: tuple[Shift, ...] = ()
    """Empty: at any time."""
    time_zone: str = "UTC"
    """Of the hours in these settings, by its IANA name."""
    locale: str | None = None
    """Of the sentences for its customers; None: as the platform says."""
    reminder_minutes: int = 30
    """After which an unclaimed card is brought up once more; 0: never."""
    private_threads: bool = False
    alerts: bool = False
    """Whether staff get a notice of unusually many complaints."""
    digest: bool = False
    """Whether they get a weekly summary."""
    quiet_hours: Hours | None = None
    """No alert and no digest in these hours of each day."""
    retention_days: int = DEFAULT_RETENTION_DAYS

    def __post_init__(self) -> None:
        check_reference(staff_channel=self.staff_channel, mention_role=self.mention_role)
        if len(self.staff_roles) > MAX_LIST or len(self.working_hours) > MAX_LIST:
            raise ValueError(f"staff_roles and working_hours must have at most {MAX_LIST} entries")
        for role in self.staff_roles:
            check_reference(staff_roles=role)
        try:
            ZoneInfo(self.time_zone)
        except (ValueError, OSError, KeyError):  # the last is that of a name that is not known
            raise ValueError("time_zone must be a name such as Europe/Berlin") from None
        if self.locale is not None and not _LOCALE.fullmatch(self.locale):
            raise ValueError("locale must be a language tag such as en or pt-BR")
        if not 0 <= self.reminder_minutes <= MAX_REMINDER_MINUTES:
            raise ValueError(f"reminder_minutes must be from 0 to {MAX_REMINDER_MINUTES:,}")
        if not 1 <= self.retention_days <= MAX_RETENTION_DAYS:
            raise ValueError(f"retention_days must be from 1 to {MAX_RETENTION_DAYS:,}")

    def is_staffed(self, now: datetime) -> bool:
        """Whether `now` is within working hours."""
        if not self.working_hours:
            return True
        local = now.astimezone(ZoneInfo(self.time_zone))
        return any(shift.covers(local) for shift in self.working_hours)

    def is_quiet(self, now: datetime) -> bool:
        """Whether `now` is within quiet hours."""
        if self.quiet_hours is None:
            return False
        moment = now.astimezone(ZoneInfo(self.time_zone)).time()
        hours = self.quiet_hours
        return hours.begins_and_covers(moment) or hours.covers_next_day(moment)
