"""What the parts of the store share."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from bot.desk.schedule import Clock
from bot.desk.store.database import Database

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
AnyPart = TypeVar("AnyPart", bound="Part")


class Part:
    """A part of the store: one concern, on the database that all share."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock


def completed(
    method: Callable[Concatenate[AnyPart, Arguments], Coroutine[Any, Any, Result]],
) -> Callable[Concatenate[AnyPart, Arguments], Coroutine[Any, Any, Result]]:
    """Lets a method that was begun run to its end, also where its caller is cancelled.

    A transaction that is cancelled may leave a connection open that holds SQLite's lock.
    """

    @wraps(method)
    async def call(part: AnyPart, /, *args: Arguments.args, **others: Arguments.kwargs) -> Result:
        return await part._database.complete(method(part, *args, **others))

    return call
