"""Everything that is read from .env and the environment: typed, validated once, passed on.

The environment takes precedence over .env. A variable that is set but blank counts as not set: so
`DISCORD_TOKEN= make run` talks in the terminal, whatever .env says.
"""

import difflib
import ipaddress
import re
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import SettingsError
from bot.files import STATE
from bot.sentences.placeholders import HELP_LINE
from bot.sentences.responses import default_responses_file
from bot.sources import split_source
from trainer.model.classifier import RuntimeName
from trainer.model.files import read_regular

ENV_FILE = Path(".env")

MAX_BYTES = 1_048_576
"""Of that file."""

MAX_ID_DIGITS = 20
"""Digits of a Discord id, which has 64 bits."""

MAX_QUOTED_CHARACTERS = 500
"""Maximum characters of a value in an error."""

DATASET_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""The name that staff choose in Discord, and that a checkpoint is named after."""

_LABEL_WORDS = frozenset({"negative", "neg", "positive", "pos", "skip"})

MAX_DATASETS = 24
"""Discord allows 25 choices of an option, and one may be the operator's corrections."""


MAX_SHARDS = 10_000
"""Far more than Discord has asked of any bot: a number above it is a typing error."""

MAX_ORIGINS = 20
"""They are named in a header of each response with the page."""

_ORIGIN = re.compile(
    r"https?://(?:(?:[a-z0-9_-]+\.)*[a-z0-9_-]*[a-z0-9]|\[[0-9a-f:]+\])(?::\d{1,5})?"
)
"""As browsers send it. A name with other letters is written in its xn-- form."""

_QUOTED = re.compile(r"(['\"])(.*)\1", re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z0-9._=-]*")
_DATABASE = re.compile(r"(?:sqlite(?:\+aiosqlite)?:///|postgresql(?:\+asyncpg)?://)\S")

TOKEN_NAMES = frozenset(("TOKEN", "BOT_TOKEN", "DISCORD_BOT_TOKEN", "DISCORD_API_TOKEN"))
"""The name of DISCORD_TOKEN in other programs."""


class Settings(BaseSettings):
    """The settings of one run; .env.example explains each to the user."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    discord_token: SecretStr | None = None
    """The bot's secret; None if Discord is not used."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The level of the bot's own logger."""

    log_format: Literal["text", "json"] = "text"
    """The form of the log's lines."""

    responses_file: Path = Field(default_factory=default_responses_file)
    """The file with the sentences."""

    help_line: str = HELP_LINE
    """The help line in a reply to a person in distress."""

    messages_per_second: float = Field(default=5.0, ge=0, allow_inf_nan=False)
    """The allowed message rate of one customer; 0: no limit."""

    question_minutes: float = Field(default=10.0, ge=0, le=1440, allow_inf_nan=False)
    """How long a question of the bot waits for an answer in words; 0: only its buttons work."""

    runtime: RuntimeName = RuntimeName.AUTO
    """What runs the network (`trainer.model.runtime.RuntimeName`)."""

    threads: int | None = Field(default=None, ge=1, le=1024)
    """Threads that work on one batch of reviews; None: one per core."""

    serve_url: str | None = None
    """Where replicas on Ray Serve judge (`python -m bot serve`); None: this process judges."""

    operator_users: Annotated[frozenset[int], NoDecode] = frozenset()
    """Ids of people who may control the bot, in addition to the application's owner."""

    operator_roles: Annotated[frozenset[int], NoDecode] = frozenset()
    """Ids of roles whose members may control the bot."""

    train_datasets: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=lambda: {"starter": "starter", "imdb": "stanfordnlp/imdb"}
    )
    """What /train offers: a label, and the data set or path for the trainer, with its options for
    the columns (`bot.sources.split_source`)."""

    train_base_model: str = "auto"
    """The pre-trained encoder that /train starts from: a name or a path for the trainer."""

    http_host: str = "127.0.0.1"
    """The IP address that `python -m bot http` listens on."""

    http_port: int = Field(default=8000, ge=0, le=65_535)
    """Its port; 0: a free one."""

    http_texts_per_second: float = Field(default=50.0, ge=0, allow_inf_nan=False)
    """The allowed rate of one API key, or of one visitor of the public page; 0: no limit."""

    http_public_page: bool = False
    """People without a key may use the page at `/`."""

    http_widget_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins of the websites that may show that page in a frame."""

    http_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """IP addresses, or networks, of the reverse proxies whose X-Forwarded-For is believed."""

    metrics_port: int | None = Field(default=None, ge=0, le=65_535)
    """The port on which the bot on Discord serves its health and figures; 0: a free one; None: it
    does not."""

    metrics_host: str = "127.0.0.1"
    """The IP address for that."""

    otel_exporter_otlp_endpoint: str | None = None
    """The collector that traces are sent to, by OTLP over HTTP; None: there are no traces."""

    database_url: SecretStr = SecretStr(f"sqlite:///{STATE}/desk.sqlite3")
    """The URL of the desk's store, including the password, if any."""

    shard_count: int | None = Field(default=None, ge=1, le=MAX_SHARDS)
    """The number of gateway shards of all processes together; None: one process, not sharded."""

    shard_ids: Annotated[tuple[int, ...], NoDecode] = ()
    """The shards of this process, ascending; empty: all of them."""

    @field_validator("responses_file")
    @classmethod
    def _expanded(cls, file: Path) -> Path:
        try:
            return file.expanduser()
        except RuntimeError:
            raise ValueError(
                f"is '{file}', but there is no such home folder; give the whole path"
            ) from None

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("operator_users", "operator_roles", mode="before")
    @classmethod
    def _ids(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not all(
            word.isascii() and word.isdigit() and len(word) <= MAX_ID_DIGITS
            for word in re.split(r"[,\s]+", value.strip())
        ):
            raise ValueError(
                f"is {_quoted(value)}, but must be ids, separated by commas: long numbers, which "
                "Discord shows with a right click, Copy ID, once Developer Mode is on"
            )
        return frozenset(int(word) for word in re.split(r"[,\s]+", value.strip()))

    @field_validator("train_datasets", mode="before")
    @classmethod
    def _labelled(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        entries = [entry.strip().partition("=") for entry in value.split(",") if entry.strip()]
        sets = {label.strip(): (source or label).strip() for label, _, source in entries}
        wrong = [label for label in sets if not DATASET_LABEL.fullmatch(label)]
        if wrong or len(sets) < len(entries) or not 1 <= len(sets) <= MAX_DATASETS:
            raise ValueError(
                f"is {_quoted(value)}, but must be up to {MAX_DATASETS} data sets, separated by "
                "commas: a name that the trainer knows, or label=path. A label has up to 40 "
                "letters, digits, dots, dashes and underscores, and is used only once"
            )
        # A comma ends an entry: the rest of a label map would become a data set.
        broken = [label for label, source in sets.items() if source in _LABEL_WORDS]
        if broken or not all(map(_has_readable_options, sets.values())):
            raise ValueError(
                f"is {_quoted(value)}, but the options after a path must be like --text-column "
                "body --label-column stars --label-map 1=negative --label-map 5=positive, each "
                "with one value, in quotation marks if it has blanks, and without commas"
            )
        return sets

    @field_validator("http_host", "metrics_host")
    @classmethod
    def _address(cls, host: str) -> str:
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            raise ValueError(
                f"is {_quoted(host)}, but must be an IP address of this machine, such as 127.0.0.1 "
                "(for programs on this machine) or 0.0.0.0 (for others too)"
            ) from None

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _url(cls, endpoint: str | None) -> str | None:
        # Without its value, which may contain a password.
        if endpoint is not None and not re.fullmatch(r"https?://[^/\s]\S*", endpoint):
            raise ValueError(
                "must be the address of a collector of OpenTelemetry, such as http://localhost:4318"
            )
        return endpoint

    @field_validator("serve_url")
    @classmethod
    def _replicas(cls, url: str | None) -> str | None:
        if url is not None and not _ORIGIN.fullmatch(url.lower().removesuffix("/")):
            raise ValueError(
                f"is {_quoted(url)}, but must be the address that python -m bot serve prints, such "
                "as http://127.0.0.1:8100"
            )
        return url

    @field_validator("http_widget_origins", mode="before")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        words = value.lower().replace(",", " ").split()
        origins = tuple(dict.fromkeys(word.removesuffix("/") for word in words))
        if len(origins) > MAX_ORIGINS or not all(map(_ORIGIN.fullmatch, origins)):
            raise ValueError(
                f"is {_quoted(value)}, but must be up to {MAX_ORIGINS} websites, separated by "
                "commas, each as https:// and its name, without a path: https://www.example.com"
            )
        return origins

    @field_validator("http_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            found = [*map(ipaddress.ip_network, value.replace(",", " ").split())]
        except ValueError:
            raise ValueError(
                f"is {_quoted(value)}, but must be IP addresses or networks of reverse proxies, "
                "separated by commas, such as 127.0.0.1 or 10.0.0.0/8"
            ) from None
        return tuple(map(str, found))

    @field_validator("discord_token")
    @classmethod
    def _one_word(cls, token: SecretStr | None) -> SecretStr | None:
        # Sent in a header: otherwise Discord would refuse it, with misleading advice.
        value = token.get_secret_value() if token else ""
        if len(value.split()) > 1:
            raise ValueError("has a space in it; give only the token itself, without 'Bot '")
        if set(value) & set("\"'`\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"):
            raise ValueError("has a quotation mark in it; give only the token itself")
        if not _TOKEN.fullmatch(value):
            raise ValueError("has a character that no token has; copy it again from the portal")
        return token

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: SecretStr) -> SecretStr:
        # Without its value, which may contain a password.
        if not _DATABASE.match(url.get_secret_value()):
            raise ValueError(
                "must begin with sqlite:/// and a path, or with postgresql:// and the server, such "
                "as sqlite:///state/desk.sqlite3 or postgresql://USER:PASSWORD@HOST/DATABASE"
            )
        return url

    @field_validator("shard_ids", mode="before")
    @classmethod
    def _shards(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        words = value.replace(",", " ").split()
        if not all(word.isascii() and word.isdigit() and len(word) < 6 for word in words):
            raise ValueError(
                f"is {_quoted(value)}, but must be numbers of shards, separated by commas: 0,1"
            )
        return tuple(sorted(set(map(int, words))))

    @field_validator("shard_ids")
    @classmethod
    def _among_all(cls, ids: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        if not ids or "shard_count" not in info.data:  # which has an error of its own
            return ids
        count = info.data["shard_count"]
        shown = ",".join(map(str, ids))
        if count is None:
            raise ValueError(
                f"is {shown}, but SHARD_COUNT is not set: set it to the number of all shards, the "
                "same in every process"
            )
        if max(ids) >= count:
            raise ValueError(
                f"is {shown}, but each must be less than SHARD_COUNT, which is {count}: the first "
                "shard is 0"
            )
        return ids

    @field_validator("*", mode="before")
    @classmethod
    def _bare(cls, value: Any, info: ValidationInfo) -> Any:
        """Removes surrounding blanks and quotation marks; a blank value means the default.

        It comes last, because pydantic calls the last validator of this mode first.
        """
        if not isinstance(value, str):
            return value
        value = value.strip()
        # A shell and .env remove them; `docker run --env-file` and a service's unit file do not.
        if (quoted := _QUOTED.fullmatch(value)) is not None:
            value = quoted[2].strip()
        if not value:
            assert info.field_name is not None
            return cls.model_fields[info.field_name].get_default(
                call_default_factory=True, validated_data={}
            )
        return value


def _quoted(value: object) -> str:
    quoted = repr(value)
    is_long = len(quoted) > MAX_QUOTED_CHARACTERS
    return f"{quoted[:MAX_QUOTED_CHARACTERS]}…" if is_long else quoted


def _has_readable_options(source: str) -> bool:
    try:
        split_source(source)
    except ValueError:
        return False
    return True


def load_settings() -> Settings:
    """Reads .env of the working directory and the environment.

    Raises SettingsError: one sentence that names each variable, its value (never the token's) and
    the allowed values.
    """
    try:
        _check_syntax()
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(detail) for detail in error.errors())) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"{ENV_FILE}, line {line}: not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{ENV_FILE} cannot be read: {error.strerror}") from None


def _check_syntax() -> None:
    """Refuses a .env file with a line that the parser would ignore. Raises as above.

    Also refuses a pipe, a device or a folder, which the parser would read.
    """
    try:
        text = read_regular(ENV_FILE, MAX_BYTES).decode("utf-8")
        with StringIO(text, newline=None) as file:
            wrong = [entry.original.line for entry in parse_stream(file) if entry.error]
    except FileNotFoundError:
        return
    if wrong:
        raise SettingsError(
            f"{ENV_FILE}, line {wrong[0]}: this is not NAME=value; check that each quotation mark "
            "is closed on the same line"
        )


def likely_misspellings() -> list[str]:
    """A sentence for each name in .env that is not a setting but resembles one."""
    known = [name.upper() for name in Settings.model_fields]
    sentences = []
    for name in dotenv_values(ENV_FILE, interpolate=False):
        if name.upper() in TOKEN_NAMES:
            sentences.append(f"{name} in {ENV_FILE} is not a setting: it is DISCORD_TOKEN here")
            continue
        close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
        if close and name.upper() not in known:
            sentences.append(f"{name} in {ENV_FILE} is not a setting: did you mean {close[0]}?")
    return sentences


def _sentence(detail: Any) -> str:
    """One of pydantic's error details as a sentence; the token's value is never shown."""
    name = str(detail["loc"][0]).upper()
    if detail["type"] == "value_error":
        return f"{name} {detail['ctx']['error']}"
    allowed = detail["msg"].removeprefix("Input should be ")
    if detail["type"] == "bool_parsing":
        allowed = "yes or no"
    elif detail["type"] == "literal_error":
        allowed = detail["ctx"]["expected"]
    shown = "" if name == "DISCORD_TOKEN" else f" is {_quoted(detail['input'])}, but"
    return f"{name}{shown} must be {allowed}"
