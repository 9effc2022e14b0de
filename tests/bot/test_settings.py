"""Settings: where they come from, and the errors for wrong ones."""

import os
import re
from functools import partial
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.files import make_private_folder, readable_by_others
from bot.settings import ENV_FILE, Settings, likely_misspellings, load_settings
from bot.sources import split_source

TOKEN = "MTk4.Cl2FMQ.a-secret-of-the-test"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def _token(settings: Settings) -> str | None:
    return settings.discord_token.get_secret_value() if settings.discord_token else None


def test_everything_has_a_default() -> None:
    settings = load_settings()
    assert (settings.discord_token, settings.log_level) == (None, "INFO")
    assert settings.responses_file.name == "responses.yaml"
    assert "findahelpline.com" in settings.help_line


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"DISCORD_TOKEN={TOKEN}\nLOG_LEVEL=debug\nUNRELATED=1\n")
    assert (_token(load_settings()), load_settings().log_level) == (TOKEN, "DEBUG")
    monkeypatch.setenv("DISCORD_TOKEN", f" {TOKEN}2 ")
    assert _token(load_settings()) == f"{TOKEN}2"


def test_a_blank_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"DISCORD_TOKEN={TOKEN}\nLOG_LEVEL=\nRESPONSES_FILE=  \nHELP_LINE= \n")
    monkeypatch.setenv("DISCORD_TOKEN", " ")
    settings = load_settings()
    assert (settings.discord_token, settings.log_level) == (None, "INFO")
    assert settings.responses_file.is_file()
    assert "findahelpline.com" in settings.help_line


def test_the_help_line_is_taken_as_it_is_written() -> None:
    Path(".env").write_text("HELP_LINE=Samaritans, 116 123 (free, day and night)\n")
    assert load_settings().help_line == "Samaritans, 116 123 (free, day and night)"


def test_a_wrong_value_is_named_with_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(SettingsError, match=r"^LOG_LEVEL is 'LOUD', but must be 'DEBUG', 'INFO'"):
        load_settings()


@pytest.mark.parametrize("value", ["-1", "fast", "inf"])
def test_a_pace_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MESSAGES_PER_SECOND", value)
    with pytest.raises(
        SettingsError, match=rf"^MESSAGES_PER_SECOND is '{value}', but must be (a|g)"
    ):
        load_settings()


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        *((token, "") for token in (f"Bot {TOKEN}", f"{TOKEN}\n{TOKEN}", f"{TOKEN}\N{EN DASH}")),
        (f'"{TOKEN}', " quotation mark"),
        (f"{TOKEN}'", " quotation mark"),
        (f"\N{LEFT DOUBLE QUOTATION MARK}{TOKEN}", " quotation mark"),
    ],
)
def test_a_malformed_token_is_refused_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, token: str, problem: str
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", token)
    with pytest.raises(SettingsError, match=f"^DISCORD_TOKEN has a{problem}") as caught:
        load_settings()
    assert TOKEN not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_settings_do_not_show_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    assert TOKEN not in repr(load_settings()) + str(load_settings())


def test_a_file_in_another_encoding_is_refused() -> None:
    Path(".env").write_bytes(b"LOG_LEVEL=INFO\n# caf\xe9\n")
    with pytest.raises(SettingsError, match=r"^\.env, line 2: not UTF-8"):
        load_settings()


@pytest.mark.timeout(20)
def test_a_pipe_a_folder_or_a_device_in_its_place_is_refused() -> None:
    for make in (os.mkfifo, os.mkdir, partial(os.symlink, "/dev/zero")):
        make(".env")
        with pytest.raises(SettingsError, match=r"^\.env cannot be read: "):
            load_settings()
        Path(".env").rename("before-" + str(id(make)))


def test_a_file_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ENV_FILE.write_bytes(b"#" * 2_000_000)
    with pytest.raises(SettingsError, match="is larger than 1,048,576 bytes"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("THREADS", "9" * 5_000),
        ("OPERATOR_USERS", "9" * 5_000),
        ("OPERATOR_ROLES", "1" * 21),
        ("LOG_LEVEL", "\x1b[31m" * 1_000),
        ("TRAIN_DATASETS", "a=b," * 5_000),
    ],
)
def test_a_value_of_a_page_is_named_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        load_settings()
    assert "set_int_max_str_digits" not in str(caught.value)
    assert len(str(caught.value)) < 1_000
    assert str(caught.value).isprintable()


def test_files_that_others_can_read_are_named() -> None:
    Path(".env").touch(0o644)
    Path("state").mkdir(0o755)
    assert readable_by_others(Path(".env"), Path("state"), Path("gone")) == [
        ".env can be read by other users of this machine: chmod 600 .env",
        "state can be read by other users of this machine: chmod 700 state",
    ]
    Path(".env").chmod(0o600)
    make_private_folder(Path("new/state"))
    assert readable_by_others(Path(".env"), Path("new"), Path("new/state")) == []


def test_a_likely_misspelling_is_named() -> None:
    Path(".env").write_text(f"DISCORD_TOKN={TOKEN}\nLOG_LEVEL=INFO\nPATH_TO_ELSEWHERE=x\n")
    (sentence,) = likely_misspellings()
    assert "DISCORD_TOKN" in sentence
    assert "did you mean DISCORD_TOKEN?" in sentence
    assert TOKEN not in sentence


def test_operators_are_listed_by_id(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("OPERATOR_USERS=111, 222 333\nOPERATOR_ROLES= \n")
    settings = load_settings()
    assert settings.operator_users == frozenset({111, 222, 333})
    assert settings.operator_roles == frozenset()
    monkeypatch.setenv("OPERATOR_USERS", "olga")
    with pytest.raises(SettingsError, match=r"^OPERATOR_USERS is 'olga', but must be ids"):
        load_settings()


def test_data_sets_are_names_or_labelled_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().train_datasets["starter"] == "starter"
    monkeypatch.setenv("TRAIN_DATASETS", "starter, films=/srv/my films.csv,")
    assert load_settings().train_datasets == {"starter": "starter", "films": "/srv/my films.csv"}


def test_the_options_on_columns_follow_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "/srv/my films.csv --text-column 'the review' --label-map 1=neg --label-map=5=pos"
    monkeypatch.setenv("TRAIN_DATASETS", f"starter,films={source}")
    assert split_source(load_settings().train_datasets["films"]) == (
        "/srv/my films.csv",
        ("--text-column=the review", "--label-map=1=neg", "--label-map=5=pos"),
    )


@pytest.mark.parametrize(
    "options",
    [
        *("--text-column", "--text-column a b", "--text-column 'a"),
        "--label-map 1=negative,5=positive",  # the comma would make 5 a data set
    ],
)
def test_options_on_columns_that_cannot_be_read_are_refused(
    monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    monkeypatch.setenv("TRAIN_DATASETS", f"films=/srv/films.csv {options}")
    with pytest.raises(SettingsError, match=r"^TRAIN_DATASETS is .*--label-map 5=positive"):
        load_settings()


@pytest.mark.parametrize(
    "value", ["/srv/films.csv", "a=x,a=y", ",", "@everyone=x", ",".join(f"s{n}" for n in range(26))]
)
def test_data_sets_that_discord_cannot_show_are_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TRAIN_DATASETS", value)
    with pytest.raises(SettingsError, match=r"^TRAIN_DATASETS is "):
        load_settings()


def test_the_example_explains_every_setting_and_is_valid() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    names = re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)
    assert names == [name.upper() for name in Settings.model_fields]
    assert example.count("# Default:") == len(names)
    Path(".env").write_text(re.sub(r"^#([A-Z_]+=)", r"\1", example, flags=re.MULTILINE))
    assert load_settings().discord_token is None


@pytest.mark.parametrize("mark", ["'", '"'])
def test_quotation_marks_around_a_value_are_taken_off(
    monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    for name, value in [("DISCORD_TOKEN", TOKEN), ("LOG_LEVEL", "debug"), ("OPERATOR_USERS", "1")]:
        monkeypatch.setenv(name, f"{mark}{value}{mark}")
    monkeypatch.setenv("HELP_LINE", mark * 2)
    settings = load_settings()
    assert (_token(settings), settings.log_level) == (TOKEN, "DEBUG")
    assert settings.operator_users == frozenset({1})
    assert "findahelpline.com" in settings.help_line


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Path(".env").write_text("RESPONSES_FILE=~/mine.yaml\n")
    assert load_settings().responses_file == tmp_path / "mine.yaml"
    Path(".env").write_text("RESPONSES_FILE=~nosuchuser/mine.yaml\n")
    with pytest.raises(SettingsError, match=r"^RESPONSES_FILE is '~nosuchuser.*no such home"):
        load_settings()


def test_an_open_quotation_mark_is_reported_with_its_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Path(".env").write_text(f'# mine\nDISCORD_TOKEN="{TOKEN}\nLOG_LEVEL=INFO\n')
    with pytest.raises(SettingsError, match=r"^\.env, line 2: .*quotation mark") as caught:
        load_settings()
    assert TOKEN not in str(caught.value)
    assert not caplog.records


@pytest.mark.parametrize("name", ["TOKEN", "BOT_TOKEN", "discord_bot_token"])
def test_what_others_call_the_token_is_named(name: str) -> None:
    Path(".env").write_text(f"{name}={TOKEN}\n")
    (sentence,) = likely_misspellings()
    assert sentence == f"{name} in .env is not a setting: it is DISCORD_TOKEN here"


@pytest.mark.parametrize(
    "url",
    ["mysql://user:pass-word@host/x", "postgresql:user:pass-word", "sqlite://x", "desk.sqlite3"],
)
def test_a_database_that_is_not_known_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SettingsError, match=r"^DATABASE_URL must begin with sqlite:///") as caught:
        load_settings()
    assert "pass-word" not in str(caught.value)


def test_the_database_is_taken_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().database_url.get_secret_value() == "sqlite:///state/desk.sqlite3"
    monkeypatch.setenv("DATABASE_URL", "'postgresql://user:pass-word@host/x'")
    settings = load_settings()
    assert settings.database_url.get_secret_value() == "postgresql://user:pass-word@host/x"
    assert "pass-word" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HTTP_HOST", "example.com", "HTTP_HOST is 'example.com', but must be an IP address"),
        ("HTTP_HOST", "localhost", "such as 127.0.0.1"),
        ("HTTP_PORT", "65536", "HTTP_PORT is '65536', but must be less than or equal to 65535"),
        ("HTTP_TEXTS_PER_SECOND", "-1", "must be greater than or equal to 0"),
        ("HTTP_PUBLIC_PAGE", "perhaps", "HTTP_PUBLIC_PAGE is 'perhaps', but must be yes or no"),
        *(
            (
                "HTTP_WIDGET_ORIGINS",
                value,
                f"HTTP_WIDGET_ORIGINS is {value!r}, but must be up to 20",
            )
            for value in (
                *("*", "www.example.com", "https://*.example.com", "https://example.com/shop"),
                *(
                    "https://a.example; script-src *",
                    "ftp://a.example",
                    "https://",
                    "https://a.",
                    "null",
                ),
                " ".join(f"https://{number}.example" for number in range(21)),
            )
        ),
        (
            "HTTP_PROXIES",
            "proxy.example.com",
            "must be IP addresses or networks of reverse proxies",
        ),
        ("HTTP_PROXIES", "*", "such as 127.0.0.1 or 10.0.0.0/8"),
        ("SERVE_URL", "10.0.0.5:8100", "such as http://127.0.0.1:8100"),
        ("SERVE_URL", "http://10.0.0.5:8100/path", "such as http://127.0.0.1:8100"),
    ],
)
def test_an_address_for_http_is_checked(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        load_settings()


@pytest.mark.parametrize(
    ("count", "ids", "sentence"),
    [
        ("", "0", "SHARD_IDS is 0, but SHARD_COUNT is not set: set it to the number of all shards"),
        ("2", "1,2", "SHARD_IDS is 1,2, but each must be less than SHARD_COUNT, which is 2"),
        ("2", "0-1", "SHARD_IDS is '0-1', but must be numbers of shards, separated by commas"),
        ("2", "-1", "SHARD_IDS is '-1', but must be numbers of shards"),
        ("0", "0", "SHARD_COUNT is '0', but must be greater than or equal to 1"),
        ("two", "0", "SHARD_COUNT is 'two', but must be a valid integer"),
    ],
)
def test_shards_that_cannot_be_are_refused(
    count: str, ids: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARD_COUNT", count)
    monkeypatch.setenv("SHARD_IDS", ids)
    with pytest.raises(SettingsError, match=re.escape(sentence)) as caught:
        load_settings()
    assert str(caught.value).count("SHARD_") <= 2  # no error follows from another


def test_shards_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().shard_count is None
    monkeypatch.setenv("SHARD_COUNT", "4")
    assert load_settings().shard_ids == ()
    monkeypatch.setenv("SHARD_IDS", "3, 1,1")
    assert load_settings().shard_ids == (1, 3)


def test_websites_and_proxies_are_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    origins = "https://WWW.example.com/, http://localhost:5500,https://xn--kino-1ra.example,"
    monkeypatch.setenv("HTTP_WIDGET_ORIGINS", origins)
    monkeypatch.setenv("HTTP_PROXIES", "127.0.0.1, 10.0.0.0/8 ::1")
    monkeypatch.setenv("HTTP_PUBLIC_PAGE", "Yes")
    settings = load_settings()
    assert settings.http_widget_origins == (
        *("https://www.example.com", "http://localhost:5500", "https://xn--kino-1ra.example"),
    )
    assert settings.http_proxies == ("127.0.0.1/32", "10.0.0.0/8", "::1/128")
    assert settings.http_public_page
