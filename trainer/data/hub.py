"""Whether the hub for models and data sets answers: asked once, before anything is loaded from it.

The hub's own clients retry an unreachable hub for most of a minute. One short request first, and
their offline mode if it fails, makes cached files load at once and everything else fail at once.
"""

from contextlib import suppress
from functools import cache
from threading import Event, Thread
from typing import Literal

from trainer.errors import ReviewsError
from trainer.extras import missing

ANSWER_WITHIN_SECONDS = 4.0
"""The time limit for the hub's answer, including the name look-up."""

Kind = Literal["model", "dataset"]


@cache
def hub_answers() -> bool:
    """Whether the hub answered; if not, its clients are in offline mode from now on.

    Raises ReviewsError if the package that reads data sets from it is not installed.
    """
    if problem := missing("Asking the hub for data sets", "datasets"):
        raise ReviewsError(problem)
    import datasets.config
    import huggingface_hub.constants

    if huggingface_hub.constants.HF_HUB_OFFLINE:
        return False
    answered = Event()
    # A socket's time-out does not cover the name look-up, so the time is limited here; the thread
    # is a daemon so that a hanging look-up does not delay the end of the program.
    asking = Thread(target=_ask, args=(answered,), name="hub", daemon=True)
    asking.start()
    asking.join(ANSWER_WITHIN_SECONDS)
    if not answered.is_set():
        huggingface_hub.constants.HF_HUB_OFFLINE = True
        datasets.config.HF_HUB_OFFLINE = True
    return answered.is_set()


def exists(name: str, kind: Kind) -> bool:
    """Whether the hub, which answers, has a repository of that name that we may read."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return HfApi().repo_exists(name, repo_type=kind)
    except (HFValidationError, HfHubHTTPError):
        return False


def _ask(answered: Event) -> None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    # Any other failure means that the hub does not answer; proxies fail in many ways.
    with suppress(Exception):
        with suppress(RepositoryNotFoundError):  # a mirror with other models is a hub too
            HfApi().model_info("distilbert-base-uncased", timeout=ANSWER_WITHIN_SECONDS)
        answered.set()
