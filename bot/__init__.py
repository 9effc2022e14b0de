"""Messages in, replies out: the customer-service half of Review Concierge.

from trainer import predict_sentiment
from bot import generate_response

print(generate_response(predict_sentiment("What a wonderful film")))
"""

from functools import cache
from typing import TYPE_CHECKING

from trainer import __version__ as __version__

if TYPE_CHECKING:
    from bot.sentences.responses import Responses
    from trainer.model.classifier import Verdict

__all__ = ["__version__", "generate_response"]


def generate_response(prediction: "Verdict") -> str:
    """The sentence that answers a judged text, from the default responses.yaml.

    If the model was unsure it asks; a text that is not a review is answered by its kind.

    Raises bot.errors.ResponsesError if that file is missing or malformed.
    """
    return _responses().render(prediction)


@cache
def _responses() -> "Responses":
    # Imported here, so that importing another part of the package does not load pydantic.
    from bot.sentences.responses import Responses, default_responses_file

    return Responses.load(default_responses_file())
