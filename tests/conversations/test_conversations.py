"""Plays every conversation of the script on every front end."""

from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from bot.conversation.concierge import Concierge
from bot.conversation.questions import HELD_SECONDS, HeldQuestions
from bot.engine import Engine
from bot.sentences.kinds import QUESTIONS
from bot.sentences.responses import Responses
from tests.bot.frontends.loopback import OPENAPI
from tests.bot.stub import KeywordClassifier
from tests.conversations.http_player import HttpHouse, HttpPlayer
from tests.conversations.players import DiscordHouse, DiscordPlayer, Player, TerminalPlayer
from tests.conversations.script import (
    Conversation,
    FrontEnd,
    kind_of,
    read_conversations,
    shipped_lists,
    words,
    write_responses,
)
from tests.discord_server import DiscordServer, point_discord_py_at

CONVERSATIONS = read_conversations()


class Clock:
    """Seconds that pass when a conversation says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


Sentences = Callable[[str | None], Responses]


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Sentences:
    """The shipped responses, with one question alone in its list; each is read once."""
    file = tmp_path_factory.mktemp("sentences") / "responses.yaml"
    known: dict[str | None, Responses] = {}

    def choose(question: str | None) -> Responses:
        if question not in known:
            known[question] = write_responses(file, question)
        return known[question]

    return choose


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with Engine(KeywordClassifier()) as engine:
        yield engine


@pytest.fixture(scope="module")
def make(engine: Engine, sentences: Sentences, clock: Clock) -> Callable[[], Concierge]:
    """Makes a concierge as after a start."""
    return lambda: Concierge(engine, sentences(None), questions=HeldQuestions(clock=clock))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    make: Callable[[], Concierge], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DiscordHouse]:
    """The bot on the loopback Discord, in a working directory of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("house"))
        async with DiscordServer(openapi=OPENAPI if OPENAPI.exists() else None) as server:
            with point_discord_py_at(server):
                house = DiscordHouse(server, make)
                await house.start()
                yield house
                await house.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http_house(
    make: Callable[[], Concierge], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[HttpHouse]:
    """The bot behind a server, in a working directory without keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("http"))
        house = HttpHouse(make)
        await house.start()
        yield house
        await house.stop()


async def _play(conversation: Conversation, player: Player, where: FrontEnd, clock: Clock) -> None:
    for step in conversation.steps_on(where):
        if step.event == "expiry":
            clock.now += HELD_SECONDS + 1
        elif step.event == "restart":
            await player.restart()
        elif step.event is not None:
            await player.work(step.event)
        else:
            reply = await player.say(step)
            if step.also is not None:
                assert reply is not None
                reply, _, second = reply.rpartition("\n")
                assert kind_of(second) == step.also, f"{step.who}: {step.say!r}"
            heard = "silence" if reply is None else kind_of(reply) or reply
            assert heard == step.kind, f"{step.who}: {step.say!r}"
    await player.aclose()


def _on(front_end: FrontEnd) -> pytest.MarkDecorator:
    played = [name for name, each in CONVERSATIONS.items() if each.steps_on(front_end)]
    return pytest.mark.parametrize("name", played)


@_on("terminal")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_conversation_in_the_terminal(
    name: str,
    make: Callable[[], Concierge],
    sentences: Sentences,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    conversation = CONVERSATIONS[name]

    def start() -> Concierge:
        concierge = make()
        concierge.responses = sentences(conversation.question)
        return concierge

    await _play(conversation, TerminalPlayer(start, monkeypatch), "terminal", clock)


# Over HTTP, as in the terminal, a message of any way in is a text.
@_on("terminal")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_conversation_over_http(
    name: str, http_house: HttpHouse, sentences: Sentences, clock: Clock
) -> None:
    conversation = CONVERSATIONS[name]
    http_house.concierge.responses = sentences(conversation.question)
    await _play(conversation, HttpPlayer(http_house), "terminal", clock)


@_on("discord")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_conversation_on_discord(
    name: str, house: DiscordHouse, sentences: Sentences, clock: Clock
) -> None:
    conversation = CONVERSATIONS[name]
    house.concierge.responses = sentences(conversation.question)
    await house.set_up(conversation.staff)
    await _play(conversation, DiscordPlayer(house), "discord", clock)


def test_every_shipped_question_is_answered_in_five_ways() -> None:
    asked = Counter(each.question for each in CONVERSATIONS.values())
    shipped = [words(entry) for kind in QUESTIONS for entry in shipped_lists()[kind]]
    assert {question: asked[question] >= 5 for question in shipped} == dict.fromkeys(shipped, True)


def test_no_sentence_stands_in_two_lists() -> None:
    said = [words(entry) for entries in shipped_lists().values() for entry in entries]
    assert len(set(said)) == len(said)
