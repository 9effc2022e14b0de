"""The reasons why the bot cannot do what it was asked.

Each error has the sentence for its reader and its own exit code, so that both a person and a
service manager can distinguish them.

    BotError
    ├── SettingsError             2   a value in .env or the environment is not allowed
    ├── MissingTokenError         3   Discord was requested, but there is no token
    ├── RefusedTokenError         4   Discord does not accept the token
    ├── UnusableCheckpointError   5   there is no checkpoint, or it is damaged
    ├── ResponsesError            6   responses.yaml is missing or invalid, or checks.yaml is
    ├── UnreachableError          7   Discord cannot be reached, or ends the connection
    ├── InputError                8   the reviews cannot be read
    ├── RefusedRequestError       9   Discord refuses a request, for another reason than the token
    ├── RateLimitedError         10   Discord asks for a long pause before the next attempt
    ├── StoreError               11   the desk's database cannot be used
    ├── BrokenChecksError        12   a sentence of checks.yaml is not taken for what is wanted
    ├── LostShardsError          13   another process has taken over the shards of this one
    ├── ServeError               14   Ray Serve does not answer, or its replicas do not start
    └── TrainingError             *   the trainer's own exit code, passed on

The remaining codes are 0 (success), 1 (a bug), 2 (also for a wrong command line) and 130
(interrupted with Ctrl-C).
"""

import math


class BotError(Exception):
    """The root: str(error) is a complete sentence for the user."""

    exit_code = 1


class SettingsError(BotError):
    """A setting has a value that is not allowed."""

    exit_code = 2


class MissingTokenError(BotError):
    """The Discord front end was requested without a token."""

    exit_code = 3

    def __init__(self) -> None:
        super().__init__(
            "There is no Discord token: set DISCORD_TOKEN in .env (copy .env.example to begin), "
            "or talk in the terminal with: python -m bot chat"
        )


class RefusedTokenError(BotError):
    """Discord reported an invalid token."""

    exit_code = 4

    def __init__(self) -> None:
        super().__init__(
            "Discord refused the token: press Reset Token on the Bot page of your application "
            "(https://discord.com/developers/applications), and put the new one into DISCORD_TOKEN"
        )


class UnusableCheckpointError(BotError):
    """There is no serving checkpoint, or it cannot be loaded."""

    exit_code = 5


class ResponsesError(BotError):
    """responses.yaml cannot be read, or is invalid."""

    exit_code = 6

    def __init__(self, problem: str, sample: str = "") -> None:
        super().__init__(f"{problem}\n\n{sample}" if sample else problem)
        self.problem = problem
        self.sample = sample
        """The lines that the file lacks, ready to be copied into it."""


class UnreachableError(BotError):
    """Discord did not answer, or ended the connection for good."""

    exit_code = 7

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Discord cannot be reached ({reason}): check this machine's connection and "
            "https://discordstatus.com, then start the bot again"
        )


class RefusedRequestError(BotError):
    """Discord was reached, and refused a request of this program."""

    exit_code = 9

    def __init__(self, status: int, code: int) -> None:
        super().__init__(
            f"Discord refused a request of this program (status {status}, code {code}). The "
            "connection and the token are fine: please report this, with both numbers"
        )


class RateLimitedError(BotError):
    """Discord accepts no further request for longer than the bot waits by itself."""

    exit_code = 10

    def __init__(self, seconds: float | None) -> None:
        pause = "for some time" if seconds is None else f"for {math.ceil(seconds):,} s"
        super().__init__(
            f"Discord accepts no further request of this bot {pause}, because there were too many "
            "(its rate limit). Wait that long, then start the bot again; each earlier attempt may "
            "make the pause longer"
        )


class InputError(BotError):
    """A file or stream of reviews cannot be read."""

    exit_code = 8


class StoreError(BotError):
    """The desk's database cannot be opened, read or written."""

    exit_code = 11


class BrokenChecksError(BotError):
    """The serving checkpoint takes a sentence of checks.yaml for something else than wanted."""

    exit_code = 12


class LostShardsError(BotError):
    """Another process has taken the lease of a shard that this one served."""

    exit_code = 13

    def __init__(self, shards: str) -> None:
        super().__init__(
            f"Another process has taken over {shards}, because this one was paused or could not "
            "reach the desk's database. Start it again: it then waits until it is needed"
        )


class ServeError(BotError):
    """Ray Serve does not answer, and no engine can judge instead; or its replicas do not start."""

    exit_code = 14


class TrainingError(BotError):
    """The trainer ended without a checkpoint; it has printed the reason itself."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(
            "The training did not finish, so there is nothing to answer with yet: "
            "the lines above say why, and the same command starts it again"
        )
        self.exit_code = exit_code
