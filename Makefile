# make venv    sets up: a virtual environment with everything pinned, and libfluidsynth
# make demo    sets up and plays the demo (renders it where there is no audio device)
# make test    sets up and runs the checks and all tests
# make bench   sets up and prints the tables of bench/, which takes forty minutes
# make bench-midi  prints those of MIDI ports only
# make bench-models  prints those of models only: how quick they are beside Magenta's own, what they take, and sixteen parts at once
# make lock    resolves pyproject.toml anew into requirements.txt (needs uv)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

.PHONY: venv demo test duels bench bench-midi bench-models lock fluidsynth jack pulseaudio compiler
.SILENT:

demo: venv
	$(BIN)/livecode demo

test: venv jack pulseaudio
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	.ci/test $(BIN)

duels: venv
	LIVECODE_DUELS=8 $(BIN)/pytest tests/models/test_compiled.py

bench: venv jack compiler
	for table in bench/*.py; do echo "$$table"; $(BIN)/python "$$table" || exit 1; done

bench-midi: venv jack compiler
	for table in bench/midi_*.py; do echo "$$table"; $(BIN)/python "$$table" || exit 1; done

bench-models: venv
	for table in bench/models_*.py; do echo "$$table"; $(BIN)/python "$$table" || exit 1; done

venv: fluidsynth .venv/installed

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
	  { echo "livecode needs Python 3.11, and '$(PYTHON)' is not: name one with make PYTHON=/path/to/python3.11."; exit 1; }
	.ci/need python3.11-venv "Python's venv" $(PYTHON) -c 'import ensurepip, venv'
	echo "Installing livecode into .venv: 2.2 GB, two to four minutes, and hardly a word meanwhile."
	$(PYTHON) -m venv .venv
	$(PIP) install --no-deps --require-hashes -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	touch $@

fluidsynth:
	.ci/need libfluidsynth3 "The FluidSynth synthesizer" \
	  $(PYTHON) -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library("fluidsynth"))'

jack:
	.ci/need jackd2 "The JACK server that the tests play into" sh -c 'command -v jackd'

compiler:
	.ci/need build-essential "The C compiler that the senders to compare with need" sh -c 'command -v cc'

# Only where no test may skip: on a desktop, Debian's package takes the sound away from PipeWire.
pulseaudio:
	[ "$$LIVECODE_REQUIRE_ALL" != 1 ] || \
	  .ci/need pulseaudio "The PulseAudio server that the tests play into" sh -c 'command -v pulseaudio && command -v parec'

lock:
	uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --upgrade --output-file requirements.txt
