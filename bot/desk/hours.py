"""Working hours as staff write and read them: `Mon-Fri 09:00-17:00`."""

import re
from datetime import time
from itertools import groupby
from zoneinfo import available_timezones

from bot.desk.store.server_settings import MAX_LIST, Hours, Shift

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ALWAYS = "always"
EXAMPLE = "Mon-Fri 09:00-17:00"

NONE = "none"
QUIET_EXAMPLE = "22:00-07:00"

_TIMES = r"(?P<start>\S+?)\s*[-\u2013]\s*(?P<end>\S+)"
_SPAN = re.compile(_TIMES)
_LINE = re.compile(rf"(?P<days>[A-Za-z,\s-]+?)\s+{_TIMES}")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")


class HoursError(ValueError):
    """Working hours or a time zone that cannot be read; str(error) says what to write."""


def read_hours(text: str) -> tuple[Shift, ...]:
    """Reads one entry a line, such as `Mon-Fri 09:00-17:00`; empty or `always` is at any time.

    A time needs its minutes: "9-5" could end in the morning or in the afternoon.

    Raises HoursError.
    """
    if text.strip().lower() in ("", ALWAYS):
        return ()
    shifts: list[Shift] = []
    for line in filter(None, map(str.strip, re.split(r"[\n;]", text))):
        found = _LINE.fullmatch(line)
        if found is None:
            raise HoursError(
                f"Working hours need days and times on each line, such as {EXAMPLE}, or the word "
                f"{ALWAYS}."
            )
        hours = Hours(_time(found["start"]), _time(found["end"]))
        shifts += (Shift(day, hours) for day in _days(found["days"]))
    if len(shifts) > MAX_LIST:
        raise HoursError("These are too many. Name days with the same times together.")
    if len(set(shifts)) < len(shifts):
        raise HoursError("Working hours name the same day and times twice. Name them once.")
    return tuple(sorted(shifts, key=lambda shift: (shift.weekday, shift.hours.start)))


def read_quiet_hours(text: str) -> Hours | None:
    """Reads one time span, such as `22:00-07:00`; empty or `none` is None.

    Raises HoursError.
    """
    if text.strip().lower() in ("", NONE):
        return None
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise HoursError(
            f"Quiet hours must be two times, such as {QUIET_EXAMPLE}, or the word {NONE}."
        )
    return Hours(_time(found["start"]), _time(found["end"]))


def show_quiet_hours(hours: Hours | None) -> str:
    """The hours as `read_quiet_hours` reads them."""
    return NONE if hours is None else f"{hours.start:%H:%M}-{hours.end:%H:%M}"


def show_hours(shifts: tuple[Shift, ...]) -> str:
    """The hours as `read_hours` reads them, days with the same times together."""
    by_times: dict[tuple[Hours, ...], list[int]] = {}
    for weekday, of_day in groupby(shifts, key=lambda shift: shift.weekday):
        by_times.setdefault(tuple(shift.hours for shift in of_day), []).append(weekday)
    lines = [
        f"{_show_days(weekdays)} {hours.start:%H:%M}-{hours.end:%H:%M}"
        for times, weekdays in by_times.items()
        for hours in times
    ]
    return "\n".join(lines) or ALWAYS


def read_time_zone(text: str) -> str:
    """The name of a time zone, in any case and with blanks for underscores.

    Raises HoursError.
    """
    wanted = text.strip().replace(" ", "_").lower()
    for name in available_timezones():
        if name.lower() == wanted:
            return name
    raise HoursError(
        "The time zone must be the name of a region and a city, such as Europe/Berlin or "
        "America/New_York, or UTC."
    )


def _time(text: str) -> time:
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) > 24 or int(found[2]) > 59:
        raise HoursError(
            f"A time must have hours from 00 to 24 and minutes, such as 09:00 or 17:30: {EXAMPLE}."
        )
    hour, minute = int(found[1]), int(found[2])
    if hour == 24 and minute:
        raise HoursError("The day ends at 24:00.")
    return time(hour % 24, minute)


def _days(text: str) -> list[int]:
    days: list[int] = []
    for part in re.split(r"[,\s]+", re.sub(r"\s*-\s*", "-", text.strip())):
        first, dash, last = part.partition("-")
        start = _day(first)
        end = _day(last) if dash else start
        days += ((start + number) % 7 for number in range((end - start) % 7 + 1))
    return days


def _day(text: str) -> int:
    for number, name in enumerate(_FULL):
        if len(text) >= 3 and name.startswith(text.lower()):
            return number
    raise HoursError(f"A day must be one of {', '.join(DAYS)}, or two with a dash: {EXAMPLE}.")


_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _show_days(weekdays: list[int]) -> str:
    """Three days in a row and more with a dash."""
    runs: list[list[int]] = []
    for weekday in weekdays:
        if runs and weekday == runs[-1][-1] + 1:
            runs[-1].append(weekday)
        else:
            runs.append([weekday])
    return ", ".join(
        f"{DAYS[run[0]]}-{DAYS[run[-1]]}" if run[2:] else ", ".join(DAYS[day] for day in run)
        for run in runs
    )
