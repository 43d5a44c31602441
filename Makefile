# make demo: run the default config.yaml. make test: every check. Both install into .venv first.
PYTHON ?= python3
BIN := .venv/bin
# Without a GPU each core takes one of the jobs that want one.
GPUS := $(shell n=$$(nvidia-smi -L 2>/dev/null | wc -l); [ $$n -gt 0 ] && echo $$n || OMP_NUM_THREADS= nproc)

.PHONY: demo export test schema docs cost test-faults test-slurm install-slurm install-monai pictures bench benchmark benchmark-accelerator benchmark-cohort benchmark-explorer benchmark-growth lock clean

# make demo RICH=1: bars that move, of all jobs of a kind, in place of lines.
demo: export CT_IMPORTANCE_BARS = $(RICH)
demo: .venv/.installed $(if $(RICH),.venv/.installed-rich)
	$(BIN)/snakemake --cores all --resources gpu=$(GPUS)

# Maps of config.yaml as files that radiologists open; make export OVERLAYS=my_overlay.yaml
export: .venv/.installed
	$(BIN)/snakemake export --cores all --resources gpu=$(GPUS)$(if $(OVERLAYS), --configfile $(OVERLAYS))

# Several runs share the cores: threads that wait for each other must not keep them busy.
test test-faults test-slurm: export OMP_WAIT_POLICY = passive

test: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# What editors check an overlay against, and the pages of the estimators and metrics; after a change of the options.
schema: .venv/.installed
	PYTHONPATH=. $(BIN)/python docs/make_pages.py
	$(BIN)/python -c "from ct_importance.workflow.config import config_schema; print(config_schema(), end='')" > schemas/config.schema.json

# The pages as a site: open site/index.html. The variable silences a notice on versions to come.
docs: .venv/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# Passes that maps and metrics of config.yaml take, before hours are spent, and how long, once the run has
# predictions; make cost OVERLAYS="my_overlay.yaml data_dir=scans"
cost: .venv/.installed
	$(BIN)/python -m ct_importance.workflow.cost $(OVERLAYS)

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

# For classifiers whose architecture is one of MONAI's.
install-monai: .venv/.installed-monai

bench: .venv/.installed-dev
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

# Every file is checked against the hashes of the lock. But for torch: its build for processors comes
# from elsewhere than the one for GPUs, and has other files.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check
LOCKED := $(INSTALL) --no-deps --require-hashes -r
TORCH := $(shell sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)

.venv/.installed: requirements.lock
	@$(PYTHON) -c "import ensurepip" || { echo "$(PYTHON) has no venv: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(LOCKED) requirements.lock
	$(INSTALL) $(TORCH)
	touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	$(LOCKED) requirements-dev.lock
	touch $@

.venv/.installed-slurm: .venv/.installed requirements-slurm.lock
	$(LOCKED) requirements-slurm.lock
	touch $@

.venv/.installed-rich: .venv/.installed requirements-rich.lock
	$(LOCKED) requirements-rich.lock
	touch $@

.venv/.installed-docs: .venv/.installed requirements-docs.lock
	$(LOCKED) requirements-docs.lock
	touch $@

.venv/.installed-monai: .venv/.installed requirements-monai.lock
	$(LOCKED) requirements-monai.lock
	touch $@

# Write the lock files from pyproject.toml, for any Python from 3.11. Versions that are locked stay
# where they still fit; remove the lock files first to renew all.
COMPILE = .venv-lock/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-annotate --no-header --output-file
# torch, what only its build for GPUs needs, and torchvision, which zennit names and the tests do not.
WITHOUT_TORCH := sed -i -E '/^(torch|torchvision|triton|cuda-[a-z-]+|nvidia-[a-z0-9-]+)==/,/[^\\]$$/d'
lock:
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/pip install --quiet uv
	$(COMPILE) requirements.lock
	$(COMPILE) requirements-slurm.lock --extra slurm --constraints requirements.lock
	$(COMPILE) requirements-rich.lock --extra rich --constraints requirements.lock
	$(COMPILE) requirements-monai.lock --extra monai --constraints requirements.lock
	$(COMPILE) requirements-docs.lock --extra docs --constraints requirements.lock
	$(COMPILE) requirements-dev.lock --extra dev --constraints requirements.lock
	$(WITHOUT_TORCH) requirements*.lock
	sed -i '1i # $(TORCH) is installed on its own: see the Makefile.' requirements*.lock
	rm -rf .venv-lock

clean:
	rm -rf .venv site .hypothesis .mypy_cache .pytest_cache .ruff_cache
