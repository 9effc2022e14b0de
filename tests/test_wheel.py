"""The wheel in a clean environment: it serves without torch, and says what it lacks."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

import pytest
import yaml

import bot
import trainer
from bot.settings import Settings
from tests.deploy.files import stages, variables
from tests.discord_server import DiscordServer, bot_process_argv
from trainer.extras import TRAINING

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
POSITIVE, NEGATIVE = "What a wonderful film", "What a terrible film"
INSTALL = 'pip install "review-concierge[train]"'

pytestmark = pytest.mark.slow


def _environment(**settings: str) -> dict[str, str]:
    """This process's without settings, and without a path that leads to the checkout.

    The twenty commands share their bytecode, also where a variable forbids it: all of the
    environment that they run in is temporary.
    """
    python = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    names = {name.upper() for name in Settings.model_fields} | python
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return {**kept, "COLUMNS": "300", **settings}


def _uv(*arguments: str | Path) -> None:
    """Runs uv, which builds and installs in a tenth of pip's time."""
    command = [sys.executable, "-m", "uv", *map(str, arguments), "--quiet"]
    subprocess.run(command, env=_environment(), check=True, timeout=240)


def _build(source: Path, folder: Path, kind: str) -> Path:
    """A distribution of a checkout or a source archive, built as `.ci/release` does."""
    options = ("--python", sys.executable, "--build-constraints", CONSTRAINTS, "--out-dir", folder)
    _uv("build", kind, *options, source)
    (path,) = folder.glob("review_concierge-*")
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of this checkout."""
    return _build(ROOT, tmp_path_factory.mktemp("wheel"), "--wheel")


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and what it depends on."""

    bin: Path
    folder: Path
    """A working directory with a checkpoint that was made elsewhere, and nothing else."""

    def run(
        self, command: str, *arguments: str | Path, stdin: str = "", **settings: str
    ) -> tuple[int, str, str]:
        """Runs an installed command; returns its exit code, standard output and standard error."""
        result = subprocess.run(
            [self.bin / command, *arguments],
            cwd=self.folder,
            env=_environment(**settings),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return result.returncode, result.stdout, result.stderr

    def serve_checkpoint(self) -> None:
        """Promotes the checkpoint, as an operator would."""
        code, _, errors = self.run("review-trainer", "checkpoints", "promote", "tiny")
        assert code == 0, errors


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment into which only the wheel was installed."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    _uv("pip", "install", "--python", python, "--constraint", CONSTRAINTS, wheel)
    return python.parent


@pytest.fixture(scope="module")
def image(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that the Dockerfile's steps have made, of what it copies.

    It sees the packages of the wheel's, so that only those are installed that the image adds.
    """
    folder = tmp_path_factory.mktemp("image")
    source, tools, made = folder / "src", folder / "tools", folder / "venv"
    for name, command in {"python": sys.executable, "pip": f"{sys.executable} -m pip"}.items():
        tools.mkdir(exist_ok=True)
        (tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (tools / name).chmod(0o700)
    path = f"{tools}:{os.environ['PATH']}"
    settings = _environment(PATH=path, PIP_CONSTRAINT="", PIP_QUIET="1", TRAINING="no")
    for kind, rest in stages()[0]:
        if kind == "COPY":
            for name in rest.split()[:-1]:
                _copy(ROOT / name, source / name)
        elif kind == "RUN":
            source.mkdir(exist_ok=True)
            step = ["sh", "-c", rest.replace("/opt/venv", str(made))]
            subprocess.run(step, cwd=source, env=settings, check=True, timeout=240)
        for own in made.glob("lib/python*/site-packages"):
            (packages,) = environment.parent.glob("lib/python*/site-packages")
            (own / "wheel.pth").write_text(f"{packages}\n")
    return made / "bin"


def _copy(source: Path, target: Path) -> None:
    """As COPY does with what .dockerignore lets through."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


@pytest.fixture
def installed(environment: Path, checkpoint: Path, tmp_path: Path) -> Installed:
    shutil.copytree(checkpoint, tmp_path / "checkpoints" / "tiny")
    return Installed(environment, tmp_path)


def test_the_wheel_holds_both_packages_and_their_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        headers = HeaderParser().parsestr(archive.read(metadata).decode())
        sentences = archive.read("bot/responses.yaml")
    assert sentences == (ROOT / "responses.yaml").read_bytes()
    starter = {f"trainer/data/starter_{name}.csv" for name in ("reviews", "kinds", "mixed")}
    migrations = "bot/desk/store/migrations"
    assert {f"{migrations}/env.py", f"{migrations}/versions/v0001_first.py"} < names
    page = {f.name for f in (ROOT / "bot/frontends/http/page").iterdir()}
    assert page == {"index.html", "page.css", "page.js", "widget.js", "icon.svg"}
    assert {f"bot/frontends/http/page/{name}" for name in page} < names
    assert starter | {"bot/py.typed", "trainer/py.typed"} < names
    assert {name.split("/")[0] for name in names} == {"bot", "trainer", Path(metadata).parent.name}
    assert headers["Version"] == bot.__version__ == trainer.__version__


def test_an_installation_of_the_source_archive_is_one_of_the_wheel(
    wheel: Path, tmp_path: Path
) -> None:
    sdist = _build(ROOT, tmp_path / "sdist", "--sdist")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    top = {name.split("/")[0] for name in names}
    of_the_project = {"CHANGELOG.md", "LICENSE", "README.md", "constraints.txt", "responses.yaml"}
    of_the_build = {".gitignore", "PKG-INFO", "pyproject.toml"}
    assert top == {"bot", "deploy", "trainer"} | of_the_project | of_the_build
    assert "deploy/prometheus/alerts.yml" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith("/key")]
    built = _build(sdist, tmp_path / "wheel", "--wheel")
    assert built.name == wheel.name
    assert built.read_bytes() == wheel.read_bytes()


def test_every_dependency_has_a_lower_bound(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        headers = HeaderParser().parsestr(archive.read(metadata).decode())
    needed = [
        line.partition(";")[0].strip()
        for line in headers.get_all("Requires-Dist", [])
        if not line.startswith("review-concierge[")
    ]
    assert [line for line in needed if not re.search(r">=\d", line)] == []


def test_nothing_that_training_needs_is_installed(installed: Installed) -> None:
    program = (
        "import sys\n"
        "from importlib.util import find_spec\n"
        "print([name for name in sys.argv[1:] if find_spec(name)])\n"
    )
    # tokenizers brings huggingface_hub.
    absent = [name for name in TRAINING if name != "huggingface_hub"]
    assert installed.run("python", "-c", program, *absent) == (0, "[]\n", "")


def test_serves_a_checkpoint_that_was_made_elsewhere(installed: Installed) -> None:
    installed.serve_checkpoint()
    reviews = f"{POSITIVE}\n{NEGATIVE}\n"
    code, output, errors = installed.run("review-concierge", "classify", "--explain", stdin=reviews)
    assert code == 0, errors
    praise, complaint = map(json.loads, output.splitlines())
    assert (praise["label"], complaint["label"]) == ("positive", "negative")
    sentences = yaml.safe_load((ROOT / "responses.yaml").read_text("utf-8"))
    assert praise["reply"] in sentences["positive"]

    code, output, errors = installed.run("review-concierge", "chat", stdin=reviews)
    assert code == 0, errors
    assert re.fullmatch(r"\[positive \d+%\] \w.*\n\[negative \d+%\] \w.*\n", output)

    code, output, errors = installed.run("review-trainer", "checkpoints")
    assert code == 0, errors
    assert re.search(r"tiny .* serving\n", output)


def test_judges_labelled_reviews_of_a_text_file(installed: Installed, reviews: Path) -> None:
    options = ("--checkpoint", "checkpoints/tiny", "--dataset", reviews)
    code, output, errors = installed.run("review-trainer", "evaluate", *options, "--json")
    assert code == 0, errors
    assert json.loads(output)["accuracy"] > 0.9


def _says_what_to_install(result: tuple[int, str, str], need: str) -> None:
    code, output, errors = result
    assert code == 2
    assert output == ""
    assert re.search(f"error: .*{need}.* not installed.*{re.escape(INSTALL)}", errors), errors
    assert "Traceback" not in errors


def test_what_needs_more_says_what_to_install(installed: Installed) -> None:
    run = installed.run
    training = "Training needs the packages torch, transformers"
    _says_what_to_install(run("review-trainer", "fit", "--dataset", "starter"), training)
    _says_what_to_install(run("review-trainer", "compare", "--dataset", "starter"), training)
    _says_what_to_install(run("review-concierge", "start"), training)
    code, output, _ = run("review-trainer", "fit", "--progress", "json")
    assert code == 2
    event = json.loads(output)
    assert event["event"] == "error"
    assert INSTALL in event["message"]

    (installed.folder / "reviews.parquet").touch()
    for dataset, need in (
        ("auto", "package datasets"),
        ("stanfordnlp/imdb", "no file or folder stanfordnlp/imdb; .* package datasets"),
        ("reviews.parquet", "package pyarrow"),
    ):
        options = ("--checkpoint", "checkpoints/tiny", "--dataset", dataset)
        _says_what_to_install(run("review-trainer", "evaluate", *options), need)


def test_the_desks_database_is_made_backed_up_and_restored(installed: Installed) -> None:
    program = (
        "import asyncio\n"
        "from bot.desk.store import open_store\n"
        "from bot.settings import Settings\n"
        "async def main():\n"
        "    async with open_store(Settings()) as store:\n"
        "        print(await store.open_cards())\n"
        "asyncio.run(main())\n"
    )
    assert installed.run("python", "-c", program) == (0, "[]\n", "")
    for command in ("backup", "restore"):
        code, _, errors = installed.run("review-concierge", command, "copy.sqlite3")
        assert code == 0, errors


def test_postgresql_says_what_to_install(installed: Installed) -> None:
    (installed.folder / ".env").write_text("DATABASE_URL=postgresql://localhost/desk\n")
    code, _, errors = installed.run("review-concierge", "backup", "copy.sqlite3")
    assert code == 2
    assert 'asyncpg, which is not installed. Install it: pip install "review-concierge[po' in errors


def test_usage_names_the_command_as_it_was_called(installed: Installed) -> None:
    for command in ("review-concierge", "review-trainer"):
        code, output, _ = installed.run(command, "--help")
        assert code == 0
        assert output.strip().startswith(f"Usage: {command} ")


def test_serving_by_pytorch_says_what_to_install(installed: Installed) -> None:
    installed.serve_checkpoint()
    (installed.folder / ".env").write_text("RUNTIME=torch\n")
    code, output, errors = installed.run("review-concierge", "classify", stdin=f"{POSITIVE}\n")
    assert (code, output) == (5, "")
    assert "Serving tiny by PyTorch needs the packages torch, transformers" in errors
    assert errors.endswith(f"Install them: {INSTALL}\n")


def test_what_the_dockerfile_installs_is_complete_and_runs(image: Path, tmp_path: Path) -> None:
    program = (
        "import asyncpg, fastapi, matplotlib, prometheus_client, uvicorn, bot; print(bot.__file__)"
    )
    in_image = Installed(image, tmp_path)
    code, output, errors = in_image.run("python", "-c", program)
    assert code == 0, errors
    assert output.startswith(str(image.parent))  # not the package of the wheel's environment
    # pip also sees the wheel's environment, which uv does not.
    check = [sys.executable, "-m", "pip", "--python", str(image / "python"), "check", "--quiet"]
    subprocess.run(check, env=_environment(), check=True, timeout=60)
    settings = {k: v for k, v in variables(stages()[-1]).items() if k.startswith(("HTTP", "LOG"))}
    code, _, errors = in_image.run("review-concierge", "http", **settings)
    assert code == 2
    assert "Create one first: python -m bot http-key add NAME" in errors


async def test_serves_discord_and_refuses_to_train(installed: Installed) -> None:
    installed.serve_checkpoint()
    async with DiscordServer() as server:
        process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
            bot_process_argv(server, python=installed.bin / "python"),
            cwd=installed.folder,
            env=_environment(DISCORD_TOKEN=server.token),
            stderr=subprocess.PIPE,
        )
        try:
            await server.ready(timeout=60)
            await server.wait_for_reply(await server.say(server.channel, POSITIVE))
            train = await server.slash("train", {"dataset": "starter"}, author=server.owner)
            answer = await server.wait_for_message(lambda m: m.interaction_id == train.id)
            assert answer.ephemeral
            assert INSTALL in answer.content
            assert len(server.messages) == 2  # nothing was announced in the channel
            process.send_signal(signal.SIGTERM)
            await server.wait_until(lambda: process.poll() is not None or None, timeout=15)
        finally:
            process.kill()
            _, said = process.communicate()
    assert process.returncode == 0, said
