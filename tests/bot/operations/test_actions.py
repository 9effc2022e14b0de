"""The operators' actions, without any platform."""

# ruff: noqa: ASYNC110, ASYNC240 - a test may look at its own files, as often as it likes
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.errors import ResponsesError, SettingsError, UnusableCheckpointError
from bot.operations.actions import Operations
from bot.operations.alarm import ALARM_SECONDS, Alarm
from bot.operations.operators import Caller, NotAllowedError, Operators
from bot.operations.progress import Progress
from bot.operations.runs import Cancelled, Outcome, Run, Trained
from bot.operations.trainings import Begun, CannotShowError, Occupied, Refused, Request, Stopped
from bot.sentences.responses import Responses
from tests.bot import fake_trainer
from tests.bot.stub import KeywordClassifier, settings
from trainer.config import MAX_EPOCHS, MAX_SEED

OLGA = Caller("1", "Olga", is_owner=True)
ADAM = Caller("2", "Adam", roles=frozenset({"boss", "all"}), everyone="all")
REQUEST = Request("films")


class Wall:
    """A front end that shows runs by noting them."""

    def __init__(self) -> None:
        self.shown = asyncio.Event()
        self.concluded: list[tuple[str, Outcome]] = []
        self.withdrawn: list[str] = []
        self.told: list[str] = []

    async def announce(self, label: str) -> str:
        return f"wall of {label}"

    async def show(self, _run: Run, progress: Progress) -> None:
        if progress.step is not None:
            self.shown.set()

    async def conclude(self, run: Run, outcome: Outcome) -> None:
        self.concluded.append((run.origin, outcome))

    async def withdraw(self, origin: str) -> None:
        self.withdrawn.append(origin)

    async def tell_operators(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> None:
    monkeypatch.chdir(tmp_path)
    fake_trainer.install(checkpoint, monkeypatch)


@pytest.fixture
async def operations(
    classifier: KeywordClassifier, responses: Responses
) -> AsyncIterator[Operations]:
    chosen = settings(
        "a.b.c",
        train_datasets={"films": "/srv/films.csv"},
        responses_file=Path("responses.yaml"),
    )
    async with Engine(classifier) as engine:
        yield Operations(Concierge(engine, responses), chosen)


@pytest.fixture
def wall() -> Wall:
    return Wall()


async def _train(
    operations: Operations, wall: Wall, request: Request = REQUEST, caller: Caller = OLGA
) -> Begun | Occupied | Refused:
    return await operations.train(caller, request, wall.announce, wall)


ACTIONS: dict[str, Callable[[Operations, Caller], Awaitable[Any]]] = {
    "train": lambda it, who: _train(it, Wall(), caller=who),
    "cancel": lambda it, who: it.cancel(who),
    "list": lambda it, who: it.list_checkpoints(who),
    "suggest": lambda it, who: it.suggest(who, ""),
    "describe": lambda it, who: it.describe(who, None),
    "promote": lambda it, who: it.promote(who, "tiny"),
    "roll back": lambda it, who: it.roll_back(who),
    "discard": lambda it, who: it.discard(who, "tiny"),
    "reload": lambda it, who: it.reload(who),
    "try silently": lambda it, who: it.try_silently(who, "tiny", "wall"),
    "stop trying": lambda it, who: it.stop_trying(who, "tiny"),
}


@pytest.mark.parametrize("action", ACTIONS)
async def test_every_action_is_for_operators_only(operations: Operations, action: str) -> None:
    with pytest.raises(NotAllowedError):
        await ACTIONS[action](operations, ADAM)
    assert not Path("fit.asked").exists()


def test_the_owner_the_listed_and_holders_of_a_role_may() -> None:
    operators = Operators(users=frozenset({"7"}), roles=frozenset({"crew", "all"}))
    crew = Caller("3", "Carl", roles=frozenset({"crew"}), everyone="all")
    assert [operators.may(who) for who in (OLGA, Caller("7", "Hanna"), crew)] == [True] * 3
    assert not operators.may(ADAM)  # everybody has that role where he asks
    with pytest.raises(SettingsError, match="OPERATOR_ROLES holds all"):
        operators.refuse_everyone(["other", "all"])
    operators.refuse_everyone(["other"])


async def test_a_run_is_shown_and_concluded_where_it_was_ordered(
    operations: Operations, wall: Wall
) -> None:
    held = fake_trainer.hold("fit")
    assert await _train(operations, wall, Request("films", fraction=0.5, epochs=2)) == Begun()
    await asyncio.wait_for(wall.shown.wait(), 60)
    second = await _train(operations, wall)
    assert isinstance(second, Occupied)
    assert (second.run.started_by, second.run.origin) == ("Olga", "wall of films")
    assert second.progress.step is not None
    held.unlink()
    while not wall.concluded:
        await asyncio.sleep(0.05)
    ((origin, outcome),) = wall.concluded
    assert origin == "wall of films"
    assert isinstance(outcome, Trained)
    assert outcome.is_promoted
    assert wall.told == wall.withdrawn == []


async def test_a_run_is_stopped_by_whom_it_says(operations: Operations, wall: Wall) -> None:
    fake_trainer.hold("fit")
    assert await operations.cancel(OLGA) == Refused("No training is running.")
    await _train(operations, wall)
    assert await operations.cancel(OLGA) == Stopped()
    assert wall.concluded == [("wall of films", Cancelled("Olga"))]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request("/srv/films.csv"), "The data sets are: films."),
        (Request("films", epochs=MAX_EPOCHS + 1), "from 1 to 1000"),
        (Request("films", fraction=0.0), "from 0.001 to 1"),
        (Request("films", fraction=float("nan")), "from 0.001 to 1"),
        (Request("films", seed=MAX_SEED + 1), "to 4294967295"),
        (Request("films", epochs=True), "whole number"),
    ],
)
async def test_what_the_trainer_would_not_take_is_refused(
    operations: Operations, wall: Wall, request_: Request, reason: str
) -> None:
    outcome = await _train(operations, wall, request_)
    assert isinstance(outcome, Refused)
    assert reason in outcome.reason
    assert not Path("fit.asked").exists()


async def test_a_run_that_cannot_be_shown_or_started_does_not_begin(
    operations: Operations, wall: Wall
) -> None:
    async def fail(_label: str) -> str:
        raise CannotShowError("it is full")

    outcome = await operations.train(OLGA, REQUEST, fail, wall)
    assert isinstance(outcome, Refused)
    assert outcome.reason.endswith("I cannot write in this channel: it is full.")
    Path("state").mkdir()
    Path("state/training").touch()
    outcome = await _train(operations, wall)
    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith("The training could not be started: ")
    assert wall.withdrawn == ["wall of films"]
    assert not Path("fit.asked").exists()


async def test_a_bug_while_a_run_is_shown_is_reported_and_another_may_start(
    operations: Operations, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise LookupError("private")

    held = fake_trainer.hold("fit")
    with monkeypatch.context() as patch:
        patch.setattr(wall, "show", broken)
        await _train(operations, wall)
        while not wall.told:
            await asyncio.sleep(0.05)
    held.unlink()
    assert wall.told == ["The training ended, but its result is in the log only."]


async def test_checkpoints_are_listed_described_and_refused(operations: Operations) -> None:
    assert [row.name for row in await operations.list_checkpoints(OLGA)] == ["tiny"]
    assert await operations.suggest(OLGA, "IN") == ["tiny"]
    assert await operations.suggest(OLGA, "x") == []
    info = await operations.describe(OLGA, None)
    assert info is not None
    assert info.row.serving
    assert info.picture is not None
    assert await operations.describe(OLGA, "../x") is None
    for refused in (
        operations.promote(OLGA, "../x"),
        operations.discard(OLGA, "tiny"),
        operations.roll_back(OLGA),
    ):
        with pytest.raises(UnusableCheckpointError, match=r"\.$"):
            await refused


async def test_sentences_that_cannot_be_read_stay_as_they_were(operations: Operations) -> None:
    Path("responses.yaml").write_text("positive: 5\n")
    with pytest.raises(ResponsesError):
        await operations.reload(OLGA)
    assert await operations.sentences.look() is None  # it has been told


def test_trouble_is_reported_once_in_a_while() -> None:
    now = 0.0
    alarm = Alarm(clock=lambda: now)
    assert alarm.report(None) is None
    assert alarm.report("It is broken") == "It is broken. Customers are asked to try again."
    now += ALARM_SECONDS - 1
    assert alarm.report("It is broken") is None
    now += 1
    assert alarm.report("It is broken") is not None
