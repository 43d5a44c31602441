# make demo: run the default config.yaml. make test: every check. Both install into .venv first.
PYTHON ?= python3
BIN := .venv/bin
# Without a GPU each core takes one of the jobs that want one.
GPUS := $(shell n=$$(nvidia-smi -L 2>/dev/null | wc -l); [ $$n -gt 0 ] && echo $$n || nproc)

.PHONY: demo test schema test-faults test-slurm install-slurm pictures bench benchmark benchmark-accelerator benchmark-cohort benchmark-explorer benchmark-growth lock clean

demo: .venv/.installed
	$(BIN)/snakemake --cores all --resources gpu=$(GPUS)

# Several runs share the cores: threads that wait for each other must not keep them busy.
test test-faults test-slurm: export OMP_WAIT_POLICY = passive

test: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# What editors check an overlay against; after a change of the options.
schema: .venv/.installed
	$(BIN)/python -c "from scripts.config import config_schema; print(config_schema(), end='')" > schemas/config.schema.json

# Kills, full disks and the like; as root, or some of it is skipped.
test-faults: .venv/.installed-dev
	$(BIN)/python -m pytest -s tests/faults

# Those of the README.
pictures: demo
	$(BIN)/python docs/make_pictures.py

# The workflow on a SLURM cluster that is started on this machine; needs root.
test-slurm: .venv/.installed-dev .venv/.installed-slurm
	tests/slurm/install.sh
	$(BIN)/python -m pytest tests/slurm/checks.py

install-slurm: .venv/.installed-slurm

bench: .venv/.installed-bench
	PYTHONPATH=. $(BIN)/python benchmarks/peers.py

benchmark-cohort: .venv/.installed-dev
	PYTHONPATH=. $(BIN)/python benchmarks/cohort_size.py

benchmark-accelerator: .venv/.installed-dev
	PYTHONPATH=. $(BIN)/python benchmarks/accelerator.py

benchmark-growth: .venv/.installed-dev
	PYTHONPATH=. $(BIN)/python benchmarks/growth.py

benchmark-explorer: .venv/.installed-dev
	PYTHONPATH=. $(BIN)/python benchmarks/explorer.py

benchmark: .venv/.installed-dev
	$(BIN)/python benchmarks/stages.py

.venv/.installed: requirements.lock
	@$(PYTHON) -c "import ensurepip" || { echo "$(PYTHON) has no venv: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check torch==$$(sed -n 's/^torch==//p' requirements.lock)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	touch $@

.venv/.installed-bench: .venv/.installed-dev requirements-bench.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-bench.lock
	touch $@

.venv/.installed-slurm: .venv/.installed requirements-slurm.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-slurm.lock
	touch $@

# Renew the lock files from pyproject.toml.
REQUIREMENTS := $(PYTHON) -c "import sys, tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *(name for extra in sys.argv[1:] for name in p['optional-dependencies'][extra]))"
FREEZE := .venv-lock/bin/pip freeze --all --exclude pip | sed 's/+cpu$$//'
lock:
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/pip install --quiet $$($(REQUIREMENTS))
	$(FREEZE) > requirements.lock
	.venv-lock/bin/pip install --quiet $$($(REQUIREMENTS) slurm)
	$(FREEZE) > requirements-slurm.lock
	.venv-lock/bin/pip uninstall --quiet --yes $$($(FREEZE) | sed -n 's/==.*//; /^snakemake-executor-plugin/p')
	.venv-lock/bin/pip install --quiet $$($(REQUIREMENTS) dev)
	$(FREEZE) > requirements-dev.lock
	.venv-lock/bin/pip install --quiet $$($(REQUIREMENTS) dev bench)
	$(FREEZE) > requirements-bench.lock
	rm -rf .venv-lock

clean:
	rm -rf .venv .hypothesis .pytest_cache .ruff_cache
