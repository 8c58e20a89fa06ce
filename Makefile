# make venv    sets up: a virtual environment with everything pinned, and libfluidsynth
# make demo    sets up and plays the demo (renders it where there is no audio device)
# make test    sets up and runs the checks and all tests
# make bench   sets up and prints the tables of bench/
# make lock    resolves pyproject.toml anew into requirements.txt (needs uv)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# So many bytes of Python are compiled once, here, and not at the first start.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: venv demo test bench lock synth jack
.SILENT:

demo: venv
	$(BIN)/livecode demo

test: venv jack
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest

bench: venv jack
	for table in bench/[a-z]*.py; do $(BIN)/python $$table || exit 1; done

venv: synth $(VENV)/.installed

$(VENV)/.installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
	  { echo "livecode needs Python 3.11, and '$(PYTHON)' is not: install it, or name it with make PYTHON=/path/to/python3.11."; exit 1; }
	$(call apt,$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null,python3.11-venv,Python virtual environments)
	echo "Installing livecode into $(VENV): 1.5 GB, two minutes or more."
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --no-deps --require-hashes -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

synth:
	$(call apt,$(PYTHON) -c 'import ctypes.util as u; exit(not u.find_library("fluidsynth"))',libfluidsynth3,the FluidSynth synthesizer)

jack:
	$(call apt,command -v jackd >/dev/null,jackd2,the JACK server that the tests play into)

lock:
	uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --upgrade --output-file requirements.txt

# $(call apt,a command that succeeds if it is there,Debian package,what it is)
define apt
$(1) || { \
  echo "Missing: $(3). Installing $(2) with apt-get."; \
  if ! command -v apt-get >/dev/null; then \
    echo "There is no apt-get here: install $(3) ($(2) on Debian) by hand, then run make again."; exit 1; fi; \
  root=; [ "$$(id -u)" = 0 ] || root=sudo; \
  if [ -n "$$root" ] && ! command -v sudo >/dev/null; then \
    echo "You may not install packages here: ask for 'apt-get install $(2)', then run make again."; exit 1; fi; \
  { $$root apt-get -qq update && \
    $$root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $(2) >/dev/null; } || \
  { echo "apt-get could not install $(2): install it by hand, then run make again."; exit 1; }; }
endef
