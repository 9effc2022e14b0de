"""One replica on Ray Serve: an engine, and the answers to questions.

The engine forms batches of what waits while the model is busy, as in one process. (`serve.batch`
would hold a text back until a batch is full.)
"""

import asyncio
import logging
from pathlib import Path

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from bot.engine import BusyError, Engine, UnansweredError
from bot.loading import load_and_try
from bot.logs import whereabouts
from bot.serving.wire import (
    BUSY,
    FAILED,
    MALFORMED,
    Answer,
    Presence,
    Question,
    UnreadableError,
    read,
)
from trainer.model.classifier import RuntimeName

log = logging.getLogger("ray.serve")  # Ray's workers write no other log

CHECKPOINT = "checkpoint"
"""In the configuration: the path of the checkpoint's folder, the same on each machine."""


class Replica:
    """What Ray Serve runs. It calls `reconfigure` before the first question."""

    def __init__(self, runtime: str, threads: int) -> None:
        self._runtime = RuntimeName(runtime)
        self._threads = threads
        self._engine: Engine | None = None

    async def reconfigure(self, config: dict[str, str]) -> None:
        """Serves the checkpoint that `config` names, as soon as it is loaded.

        Raises if the first one cannot be loaded. If a later one cannot, the present one stays: the
        others of this deployment may be able to.
        """
        path = Path(config[CHECKPOINT])
        try:
            classifier = await asyncio.to_thread(load_and_try, path, self._runtime, self._threads)
        except Exception as error:
            if self._engine is None:
                raise
            log.error("%s cannot be loaded here: %s", path.name, whereabouts(error))
            return
        if self._engine is None:
            self._engine = Engine(classifier)
        else:
            self._engine.swap(classifier)

    async def __call__(self, request: Request) -> Response:
        """Answers a question, or says which checkpoint is here."""
        assert self._engine is not None
        return await respond(self._engine, request)

    async def checkpoint(self) -> str:
        """The name of the one that judges new texts."""
        assert self._engine is not None
        return self._engine.checkpoint


async def respond(engine: Engine, request: Request) -> Response:
    """Answers a question, or says which checkpoint is here.

    Raises no error, because Ray would log its message.
    """
    if request.method != "POST":
        return _response(Presence(checkpoint=engine.checkpoint))
    try:
        question = read(Question, await request.body())
        verdict, name = await engine.classify_by(question.text, background=question.background)
    except UnreadableError:
        return Response(status_code=MALFORMED)
    except BusyError:
        return Response(status_code=BUSY)
    except UnansweredError as error:
        return _response(Answer(checkpoint=engine.checkpoint, unanswered=str(error)))
    except Exception as error:  # a bug, or the client has gone
        log.error("A question was not answered: %s", whereabouts(error))
        return Response(status_code=FAILED)
    return _response(Answer(checkpoint=name, verdict=verdict))


def _response(message: BaseModel) -> Response:
    return Response(message.model_dump_json(), media_type="application/json")
