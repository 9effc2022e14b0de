"""Working hours in words."""

from datetime import time

import pytest

from bot.desk.hours import HoursError, read_hours, read_time_zone, show_hours
from bot.desk.store import Hours, Shift

NINE_TO_FIVE = Hours(time(9), time(17))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "always"),
        ("Always", "always"),
        ("Mon-Fri 09:00-17:00", "Mon-Fri 09:00-17:00"),
        ("monday - friday 9:00 - 17:00", "Mon-Fri 09:00-17:00"),
        ("mon, Wed 10:00-12:00; Sat 22:00-06:00", "Mon, Wed 10:00-12:00\nSat 22:00-06:00"),
        ("Mon 08:00-12:00\nMon 13:00-17:00", "Mon 08:00-12:00\nMon 13:00-17:00"),
        ("Sat-Mon 00:00-24:00", "Mon, Sat, Sun 00:00-00:00"),
        ("Tue 09:00\N{EN DASH}17:00", "Tue 09:00-17:00"),
    ],
)
def test_hours_are_read_and_shown(text: str, shown: str) -> None:
    shifts = read_hours(text)
    assert show_hours(shifts) == shown
    assert read_hours(shown) == shifts


def test_days_over_the_weekend_are_taken_one_by_one() -> None:
    assert read_hours("Sun-Mon 9:00-17:00") == (Shift(0, NINE_TO_FIVE), Shift(6, NINE_TO_FIVE))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Mon-Fri 9-5", "hours from 00 to 24 and minutes"),
        ("Mon-Fri 09:00-5:00pm", "hours from 00 to 24 and minutes"),
        ("Mon 25:00-26:00", "hours from 00 to 24 and minutes"),
        ("Mon 09:00-24:30", "ends at 24:00"),
        ("T 09:00-17:00", "A day must be one of"),
        ("Foo 09:00-17:00", "A day must be one of"),
        ("09:00-17:00", "days and times on each line"),
        ("weekdays", "days and times on each line"),
        ("Mon-Fri 09:00-17:00\nTue 09:00-17:00", "twice"),
        ("\n".join(f"Mon-Sun 00:{n:02}-12:00" for n in range(20)), "too many"),
    ],
)
def test_hours_with_no_or_two_readings_are_refused(text: str, reason: str) -> None:
    with pytest.raises(HoursError, match=reason):
        read_hours(text)


def test_a_time_zone_is_found_in_any_case() -> None:
    assert read_time_zone(" america/new york ") == "America/New_York"
    assert read_time_zone("utc") == "UTC"
    with pytest.raises(HoursError, match="such as Europe/Berlin"):
        read_time_zone("Berlin time")
