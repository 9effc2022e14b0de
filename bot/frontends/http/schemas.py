"""What the HTTP front end takes and gives; the OpenAPI document is made from it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.sentences.kinds import Kind

MAX_CHARACTERS = 32_768
"""Of one text; the model reads about the first 8,000."""

MAX_TEXTS = 64
"""Of one request."""

CONVERSATION = r"^[A-Za-z0-9._~:-]{1,128}$"

Text = Annotated[str, Field(max_length=MAX_CHARACTERS)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]
Conversation = Annotated[
    str,
    Field(
        pattern=CONVERSATION,
        description="The id of the conversation, which you choose: a random one for each customer. "
        "Do not use a name or an address.",
        examples=["7f0c2f6e"],
    ),
]
Probabilities = Annotated[
    dict[str, float] | None,
    Field(
        description="The probabilities of `negative` and `positive`; null if the text was not "
        "judged as a review.",
        examples=[{"negative": 0.02, "positive": 0.98}],
    ),
]
Label = Literal["positive", "negative", "unsure"]
Side = Literal["positive", "negative"]

_TEXT = f"Unicode text of up to {MAX_CHARACTERS:,} characters"
MUST_BE = {
    "text": f"{_TEXT} (for /v1/classify also a list of 1 to {MAX_TEXTS} such texts)",
    "conversation": "1 to 128 ASCII letters, digits, dots, dashes, underscores, tildes or colons",
    "choice": "positive, negative or both",
    "together": "true or false",
}
"""What a field of a request must be, to end a sentence."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassifyRequest(_Request):
    """One text, or several."""

    text: Text | Texts = Field(
        description="A review, or a list of reviews.",
        examples=["What a wonderful film!", ["What a wonderful film!", "Such a boring plot."]],
    )


class AnswerRequest(_Request):
    """A message of a customer in a conversation."""

    text: Text = Field(
        description="What the customer wrote.", examples=["It was half great, half dull."]
    )
    conversation: Conversation


class ChooseRequest(_Request):
    """A customer's choice of a button below a question of the bot."""

    choice: Literal["positive", "negative", "both"] = Field(
        description="They liked the film, they did not, or a bit of both.", examples=["both"]
    )
    conversation: Conversation


class ExplainRequest(_Request):
    """A review whose verdict is to be explained."""

    text: Text = Field(description="The review.", examples=["What a wonderful film!"])
    conversation: Conversation | None = Field(
        default=None,
        description="For whom it is explained. Explanations are made one at a time for each "
        "conversation, or for each key without one.",
        examples=["7f0c2f6e"],
    )
    together: bool = Field(
        default=False,
        description="The field `together` of the answer to be explained.",
    )


class Classified(_Result):
    """The verdict on one text, and the reply to it."""

    label: Label | None = Field(
        description="`unsure` if neither class is probable enough; null if the text was not judged "
        "as a review.",
        examples=["positive"],
    )
    confidence: float | None = Field(
        description="The probability of the more probable class.", examples=[0.98]
    )
    probabilities: Probabilities
    kind: Kind = Field(
        description="The kind of the reply: the name of its list in responses.yaml. `failure`: "
        "the model failed on this text.",
        examples=["positive"],
    )
    reply: str = Field(
        description="The sentence for the customer.", examples=["Thank you, that is good to hear!"]
    )


class ClassifyResult(_Result):
    """One result for each text, in order."""

    results: list[Classified]


class AnswerResult(Classified):
    """The reply to a message. The bot remembers what it asked, not what was written."""

    question: bool = Field(
        description="The reply is a question about the film: the next message of this conversation "
        "may answer it in words, for some minutes; or buttons may, with /v1/choose.",
        examples=[False],
    )
    withdrawn: str | None = Field(
        description="If the customer has corrected the bot: the sentence to show instead of the "
        "previous reply.",
        examples=[None],
    )
    together: bool = Field(
        description="The verdict combines this message with the one before it.", examples=[False]
    )
    repeated: bool = Field(
        description="The customer has had such a reply already, as after a second insult: show "
        "nothing.",
        examples=[False],
    )


class Word(_Result):
    """A word, or neighbouring words of a long text."""

    text: str = Field(examples=["wonderful"])
    weight: float = Field(
        description="The log-odds that the more probable class loses without the word. Below 0, "
        "the word supports the other class.",
        examples=[2.71],
    )
    mark: Literal["strong", "slight", "against", "none"] = Field(
        description="How to show it: it supports the verdict, helps, supports the other class, or "
        "none of these.",
        examples=["strong"],
    )


class ExplainResult(_Result):
    """The words that decide the verdict on a review."""

    label: Side | None = Field(
        description="The more probable class; null if there is no verdict to explain.",
        examples=["positive"],
    )
    probabilities: Probabilities
    words: list[Word] = Field(description="All words, in reading order.")
    notes: list[str] = Field(
        description="Remarks for the customer, such as that a rating counted too.", examples=[[]]
    )
    reply: str | None = Field(
        description="If there is no verdict to explain: the reply to the text.", examples=[None]
    )


class Health(_Result):
    """The server, or the model, works."""

    status: Literal["ok"] = "ok"


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: Literal["about:blank"]
    title: str = Field(description="The name of the status.", examples=["Too Many Requests"])
    status: int = Field(examples=[429])
    detail: str = Field(
        description="What is wrong and what to do. It quotes nothing of the request.",
        examples=["This key has sent too many texts: wait as many seconds as Retry-After says."],
    )
    kind: Kind | None = Field(
        default=None, description="The kind of `reply`, if there is one.", examples=["busy"]
    )
    reply: str | None = Field(
        default=None,
        description="A sentence for the customer, if the error concerns one.",
        examples=["There is a lot going on here. Please try again in a moment."],
    )
