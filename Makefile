# Everything from nothing: needs Python 3.11, 3.12 or 3.13 with pip, make and git, and sets up the rest itself.
.DEFAULT_GOAL := help
.PHONY: help env figures smoke report docs-claims style test test-pythons test-slurm bench lock clean distclean

SCALE ?= standard
CORES ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
PYTHON ?=
CLEAN ?= smoke standard

# The environment is the lock's: nothing of the user's own Python set-up reaches it. PATH, for what Snakemake starts.
# No file of this folder is taken for a library (-P), and text is UTF-8 whatever the locale.
unexport PYTHONPATH PYTHONHOME
export PYTHONUTF8 := 1
# The shell looks up where it is: of the checkout's name it would read $ and quotes.
IN_ENV := PATH="$$PWD/.venv/bin:$$PATH"
CALLED := make $(strip $(MAKECMDGOALS) $(MAKEOVERRIDES))
SNAKEMAKE := $(IN_ENV) THERMOBATCH_COMMAND='$(CALLED)' .venv/bin/python -P -m snakemake --cores $(CORES)
WORKFLOW = $(wildcard Snakefile workflow/rules/*.smk)

help: ## Say what each target does
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo
	@echo "  SCALE=$(SCALE)     smoke, standard or paper"
	@echo "  CORES=$(CORES)            processes at once"
	@echo "  PYTHON=             a Python to use instead of the first that fits"

env: ## Make .venv from requirements.lock (uv if there is one, else pip); nothing to do if it is good
	@python=$$(sh tools/find_python.sh "$(PYTHON)") && \
	    python=$$(printf '%s\n' "$$python" | sed -n '1s/^[0-9.]* //p') && \
	    "$$python" tools/make_environment.py $(if $(PYTHON),,--keep-python) .venv

figures: env ## Draw every figure and decide every claim at SCALE
	$(SNAKEMAKE) --config scale=$(SCALE)

smoke: env ## The same at the smallest scale: minutes
	$(SNAKEMAKE) --config scale=smoke

report: figures ## Write results/SCALE/report.html from the finished figures
	$(SNAKEMAKE) --config scale=$(SCALE) --report results/$(SCALE)/report.html

docs-claims: env ## Take the verdicts of the last standard run into README and docs
	.venv/bin/python -P -m thermobatch claims --scale standard --publish

style: env ## Check style
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	$(if $(WORKFLOW),.venv/bin/python -m snakefmt --check $(WORKFLOW))

test: style ## Check style and run all tests
	$(IN_ENV) OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n $(CORES) --durations=10

test-pythons: env ## Run the unit tests on the other Pythons of 3.11, 3.12 and 3.13 that this machine has
	OMP_NUM_THREADS=1 sh tools/test_other_pythons.sh $(CORES)

test-slurm: env ## Run part of the smoke workflow on a Slurm of three nodes, with faults (as root; installs slurm-wlm)
	$(IN_ENV) OMP_NUM_THREADS=1 .venv/bin/python tools/test_slurm.py

bench: env ## Run every benchmarks/*_speed.py
	@set -e; for program in benchmarks/*_speed.py; do echo "=== $$program"; $(IN_ENV) .venv/bin/python "$$program"; done

lock: ## Bring requirements.lock up to a changed pyproject.toml (needs uv)
	uv pip compile --quiet --universal --generate-hashes --all-extras --no-header pyproject.toml -o requirements.lock

clean: ## Remove caches, and results, figures and logs of smoke and standard (others: CLEAN="paper adhoc")
	rm -rf $(foreach scale,$(CLEAN),"results/$(scale)" "figures/$(scale)" "logs/$(scale)")
	rm -rf build dist benchmarks/build .pytest_cache .ruff_cache .hypothesis
	find . -name .git -prune -o -name '.venv*' -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
	@rmdir results figures logs 2>/dev/null; [ -d results ] || rm -rf .snakemake
	@[ ! -d results ] || { echo "Kept (remove with make clean CLEAN=\"...\"):"; du -sh results/*; }

# A record is JSON: quotes and backslashes of this folder's name are escaped there.
distclean: clean ## Remove the virtual environments that make made too (results that clean keeps stay)
	@ours="\"project\": \"$$(pwd -P | sed 's/[\\"]/\\&/g')\""; \
	for venv in .venv .venv-3.11 .venv-3.12 .venv-3.13; do \
	    if [ -L "$$venv" ] && ! grep -qsF "$$ours" "$$venv/thermobatch-environment.json"; then \
	        echo "Kept, because it links to what is not of this checkout: $$venv"; \
	    elif [ -e "$$venv/thermobatch-environment.json" ]; then \
	        find "$$venv/" -mindepth 1 -delete && { [ -L "$$venv" ] || rmdir "$$venv"; }; \
	    elif [ -e "$$venv" ]; then \
	        echo "Kept, because make did not make it: $$venv"; \
	    fi; \
	done
