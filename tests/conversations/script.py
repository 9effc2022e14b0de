"""The form of a conversation in these YAML files, and how they are read.

Each file is a list of conversations. One looks so:

    - name: what it is about
      only: [discord]  # where it can be played; without this line, on both front ends
      question: "Did you like it?"  # the one of its shipped list that is asked
      steps:
        - {say: half great, kind: unsure}
        - {say: "yes", kind: positive}

A step says who writes what, by which way in, and the kind of reply that must come back. `who` is
maria, `by` a mention and `in` the channel "reviews" where nothing else is said. In the terminal,
which has one person and one way in, a message of any way is a line. A step with `only` is left out
elsewhere. `also` is the kind of a sentence that stands below the reply. `earlier` is what has
become of the reply before it, on Discord. `event` is something that happens between two messages.
`staff` says that the server has a staff channel, and whether it is within working hours; staff then
press a button under the latest card as an `event`, and "thread" is the private thread that a claim
opens.
"""

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.sentences.placeholders import HELP_LINE
from bot.sentences.responses import Kind, Responses, default_responses_file

SERVER = "The Film Club"
"""The name of the loopback's server."""

FOLDER = Path(__file__).parent

FrontEnd = Literal["terminal", "discord"]

BOTH_FRONT_ENDS: tuple[FrontEnd, ...] = ("terminal", "discord")


class By(StrEnum):
    """A way in."""

    MENTION = "mention"
    DM = "dm"
    REPLY = "reply"
    """With the ping that Discord sets by default, so that the bot may read it."""
    BARE_REPLY = "bare reply"
    """With the ping taken out: Discord withholds the text from the bot."""
    SLASH = "slash"
    BUTTON = "button"
    """`say` is its label, under the last reply of this conversation that has buttons to answer."""
    EDIT = "edit"
    """Of the last message of theirs."""
    TERMINAL = "terminal"


ONLY_ON_DISCORD = (By.BARE_REPLY, By.SLASH, By.BUTTON, By.EDIT)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Strict):
    """A message and its reply, or something that happens."""

    event: Literal["expiry", "restart", "Claim", "Release", "Resolve", "Not for us"] | None = None
    say: str = ""
    kind: Kind | Literal["silence"] | None = None
    """Silence: an edit that changes nothing, or a message without a reply; in the terminal, a line
    that says so."""
    also: Kind | None = None
    """The kind of a second sentence, on a line of its own."""
    earlier: Kind | Literal["without buttons"] | None = None
    """What the reply before it has become, where a reply can still be changed."""
    who: str = "maria"
    by: By = By.MENTION
    place: Literal["reviews", "lobby", "thread"] = Field("reviews", alias="in")
    only: tuple[FrontEnd, ...] = BOTH_FRONT_ENDS

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.event is None) == (self.kind is None):
            raise ValueError("a step has either a kind of reply or an event")
        return self


class Conversation(_Strict):
    """Some steps in their order."""

    name: str
    only: tuple[FrontEnd, ...] = BOTH_FRONT_ENDS
    question: str | None = None
    staff: Literal["here", "away"] | None = None
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _says_where_it_can_be_played(self) -> Self:
        steps = [step for step in self.steps_on("terminal") if step.event is None]
        if any(step.by in ONLY_ON_DISCORD for step in steps):
            raise ValueError("the terminal has no such way in: say on which front end it is")
        if len({step.who for step in steps} | {step.place for step in steps}) > 2:
            raise ValueError("the terminal has one person in one place: say on which front end")
        return self

    def steps_on(self, front_end: FrontEnd) -> list[Step]:
        """Those that are played there; none where the conversation is not."""
        return [step for step in self.steps if {front_end} <= {*self.only} & {*step.only}]


def read_conversations() -> dict[str, Conversation]:
    """All of this folder, each by its file and name."""
    found: dict[str, Conversation] = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        for entry in yaml.safe_load(file.read_text("utf-8")):
            conversation = Conversation.model_validate(entry)
            key = f"{file.stem}: {conversation.name}"
            assert key not in found, f"two conversations are called {key!r}"
            found[key] = conversation
    return found


@cache
def shipped_lists() -> dict[Kind, list[str | dict[str, str]]]:
    """responses.yaml as it is written: a question with a meaning is a mapping."""
    text = default_responses_file().read_text("utf-8")
    lists = yaml.load(text, Loader=yaml.BaseLoader)
    return {Kind(kind): entries for kind, entries in lists.items()}


def words(entry: str | dict[str, str]) -> str:
    """What is said."""
    return entry if isinstance(entry, str) else entry["say"]


@cache
def kind_of(reply: str) -> Kind | None:
    """The list in which a reply stands; None where it is in none."""
    for kind, entries in shipped_lists().items():
        if reply in map(_filled, entries):
            return kind
    return None


def _filled(entry: str | dict[str, str]) -> str:
    """As it is said in the loopback's server."""
    return words(entry).replace("{help_line}", HELP_LINE).replace("{server}", SERVER)


def write_responses(file: Path, question: str | None) -> Responses:
    """The shipped sentences, read from `file`; of the list with `question`, it alone."""
    lists = dict(shipped_lists())
    for kind, entries in shipped_lists().items():
        chosen = [entry for entry in entries if words(entry) == question]
        lists[kind] = chosen or entries
    assert question is None or lists != shipped_lists(), f"no list has {question!r}"
    plain = {kind.value: entries for kind, entries in lists.items()}
    file.write_text(yaml.safe_dump(plain, allow_unicode=True, width=10_000), "utf-8")
    return Responses.load(file)
