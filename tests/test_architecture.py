"""Who imports whom: the layers of docs/architecture.md, read from the source."""

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import livecode

ROOT = Path(livecode.__file__).parent

VALUES = {"errors", "music"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "scales": {"errors"},
    "music": {"errors", "scales"},
    "steps": {"music"},
    "naming": set(),
    "gm": {"errors"},
    "controls": VALUES,
    "bindings": VALUES | {"controls"},
    "controllers": VALUES | {"bindings", "commands", "controls", "tempo"},
    "voicing": VALUES | {"gm"},
    "sharing": {"music"},
    "instruments": {"errors", "controls", "files", "voicing"},
    "punctuality": {"music", "outputs"},
    "notation": VALUES | {"gm"},
    "tempo": VALUES,
    "clock": VALUES,
    "files": {"errors"},
    "formats": VALUES | {"controls", "files", "gm", "scales", "tempo"},
    "models.configs": set(),
    "models.pitches": {"errors", "scales"},
    "models.knobs": {"errors", "models.pitches"},
    "models.wire": VALUES | {"models.configs", "models.knobs"},
    "models.packed": set(),
    "models.official": VALUES | {"files", "models", "models.packed"},
    "models.bundles": VALUES | {"files", "models", "models.configs", "models.packed", "models.official", "models.wire"},
    "models.chords": VALUES | {"files", "models", "models.configs", "models.noteseq", "models.wire", "formats"},
    "models.interpreters": VALUES | {"files", "models.alone", "models.process", "models.wire"},
    "models.specs": VALUES
    | {"models", "models.bundles", "models.chords", "models.configs", "models.interpreters", "models.knobs", "models.wire"}
    | {"files", "formats"},
    "models.process": VALUES | {"models.wire"},
    "models.hand": VALUES | {"models.process", "models.wire"},
    "models.took": VALUES,
    "models.known": VALUES | {"models.hand", "models.took", "models.wire"},
    "models.keeper": VALUES | {"models.hand", "models.known", "models.process", "models.wire"},
    "models.host": VALUES | {"models.keeper", "models.known", "models.process", "models.wire"},
    "models.alone": set(),
    "models.grid": VALUES | {"models.wire"},
    "models.noteseq": set(),
    "models.harmony": {"music", "models", "models.noteseq", "models.wire"},
    "models.step": set(),
    "models.encodings": {"models.noteseq", "models.step"},
    "models.tracks": {"models.configs", "models.encodings", "models.step"},
    "models.polyphony": VALUES
    | {"models.encodings", "models.grid", "models.knobs", "models.step", "models.tracks", "models.wire"},
    "models.performance": VALUES
    | {"models", "models.encodings", "models.grid", "models.knobs", "models.noteseq", "models.pitches", "models.search"}
    | {"models.step", "models.tracks", "models.wire"},
    "models.notewise": {"music", "models", "models.encodings", "models.grid", "models.noteseq", "models.performance"}
    | {"models.step", "models.tracks", "models.wire"},
    "models.families": {
        "music",
        "models",
        "models.configs",
        "models.encodings",
        "models.grid",
        "models.harmony",
        "models.noteseq",
    }
    | {"models.notewise", "models.performance", "models.polyphony", "models.step", "models.tracks", "models.wire"},
    "models.search": {"errors", "models.encodings", "models.knobs", "models.step", "models.tracks"},
    "models.store": {"errors", "models.step", "models.wire"},
    "models.compiled": VALUES
    | {"models", "models.families", "models.search", "models.step", "models.store", "models.tracks"}
    | {"models.wire"},
    "models.checkpoints": {"errors"},
    "models.stack": {"models.checkpoints", "models.step"},
    "models.compile": {"errors", "files", "models", "models.checkpoints", "models.families", "models.stack", "models.step"}
    | {"models.configs", "models.store"},
    "models.rnn": VALUES
    | {"models", "models.families", "models.grid", "models.harmony", "models.noteseq", "models.performance", "models.polyphony"}
    | {"models.wire"},
    "models.worker": VALUES | {"models.wire", "models"},
    "transforms": VALUES,
    "turning": VALUES | {"steps", "transforms"},
    "commands": VALUES | {"bindings", "controls", "gm", "instruments", "tempo", "models.wire", "scales", "transforms", "voicing"},
    "packing": {"music"},
    "facts": VALUES | {"commands", "packing"},
    "ears": VALUES | {"gm"},
    "exchange": VALUES | {"commands", "ears", "models.wire", "tempo"},
    "jamming": VALUES | {"naming", "commands", "facts", "hearing", "models.wire", "packing", "parts", "transport"},
    "inputs": VALUES | {"clock", "inputs", "outputs"},
    "hearing": VALUES | {"naming", "ears", "inputs", "outputs", "parts", "transport"},
    "shown": {"commands", "music", "protocol"},
    "typed": VALUES | {"commands", "gm", "notation", "tempo"},
    "played": VALUES | {"commands", "models.wire", "notation", "protocol", "shown"},
    "handles": VALUES
    | {"commands", "controls", "dials", "gm", "instruments", "models.wire", "played", "shown", "transforms", "typed"},
    "knobs": {"commands", "mapping", "shown"},
    "parts": VALUES
    | {"commands", "controls", "exchange", "gm", "instruments", "models.knobs", "models.wire", "steps", "tempo"}
    | {"transforms", "turning", "voicing"},
    "scenes": VALUES | {"parts"},
    "errands": VALUES | {"parts", "transforms"},
    "asides": set(),
    "functions": VALUES | {"asides", "errands", "transforms"},
    "outputs": VALUES | {"clock", "controls", "files", "gm", "notation", "outputs"},
    "asking": VALUES
    | {"naming", "clock", "ears", "exchange", "facts", "models.took", "models.wire", "packing", "parts", "tempo"},
    "undoing": VALUES | {"parts", "scenes"},
    "phase": VALUES | {"tempo"},
    "masters": VALUES | {"outputs", "phase", "tempo"},
    "links": VALUES | {"masters", "phase"},
    "clocks": VALUES | {"inputs", "links", "masters"},
    "following": VALUES | {"masters", "phase", "tempo", "transport"},
    "ticking": VALUES | {"outputs", "steps", "transport"},
    "transport": VALUES | {"clock", "commands", "facts", "parts", "tempo"},
    "plan": VALUES | {"naming", "clock", "facts", "outputs", "parts", "punctuality", "sharing", "tempo", "ticking", "transport"},
    "states": VALUES | {"commands", "ears", "parts", "transport"},
    "chasing": VALUES | {"naming", "clock", "commands", "facts", "following", "masters", "parts", "phase", "plan", "transport"},
    "happenings": VALUES | {"chasing", "ears", "facts", "hearing", "models.wire", "outputs", "parts", "plan"},
    "performing": VALUES
    | {"agenda", "asking", "clock", "commands", "facts", "happenings", "outputs", "parts", "plan", "recording", "stagehand"}
    | {"tempo"},
    "past": VALUES
    | {"asking", "commands", "facts", "happenings", "hearing", "outputs", "parts", "performing", "plan", "stagehand"},
    "telling": VALUES | {"asking", "commands", "controls", "jamming", "parts", "plan", "states"},
    "stagehand": VALUES | {"asking", "commands", "parts", "plan", "scenes", "states", "undoing"},
    "sequencer": VALUES
    | {"naming", "packing"}
    | {"asking", "bindings", "chasing", "clock", "commands", "controllers", "ears", "errands", "facts", "happenings"}
    | {"gm", "hearing", "inputs", "jamming", "masters", "models.wire", "outputs", "parts", "past", "performing", "plan"}
    | {"agenda", "stagehand", "states", "telling", "tempo"},
    "calibration": VALUES | {"inputs"},
    "calibrating": VALUES | {"naming", "calibration", "clock", "inputs", "outputs", "protocol"},
    "mapping": VALUES | {"bindings", "dials", "files", "notation"},
    "dials": VALUES | {"commands", "controls"},
    "supervisor": set(),
    "places": VALUES,
    "protocol": VALUES | {"errands", "commands", "errors", "models.known", "models.wire", "tempo"},
    "skimming": VALUES | {"commands", "ears", "facts", "inputs"},
    "journal": VALUES | {"facts", "models.wire", "protocol", "recording"},
    "agenda": VALUES | {"commands", "ears", "facts", "recording", "skimming"},
    "recording": VALUES | {"commands", "facts", "protocol", "tempo"},
    "replaying": VALUES | {"asking", "commands", "facts", "models.wire", "recording"},
    "guard": VALUES | {"places", "protocol", "supervisor"},
    "devices": VALUES | {"clock", "facts", "outputs", "places", "protocol"},
    "engine": VALUES
    | {"agenda", "calibrating", "errands", "journal"}
    | {"clock", "commands", "devices", "facts", "models.host", "models.keeper", "models.wire", "outputs", "protocol"}
    | {"clocks", "inputs", "links", "replaying", "sequencer", "skimming", "tempo", "transport", "undoing"},
    "offline": VALUES
    | {
        "clock",
        "commands",
        "engine",
        "errands",
        "facts",
        "journal",
        "outputs",
        "parts",
        "protocol",
        "recording",
        "replaying",
        "sequencer",
    }
    | {"transport"},
    "server": VALUES
    | {"errands"}
    | {"clock", "commands", "devices", "engine", "facts", "guard", "journal", "outputs", "places", "protocol", "sequencer"},
    "session_cells": VALUES | {"protocol"},
    "session": VALUES
    | {"commands", "facts", "models.bundles", "models.official", "models.wire", "session_spelling", "tempo", "transport"},
    "session_writer": VALUES | {"commands", "facts", "journal", "protocol", "session", "session_spelling", "tempo"},
    "session_undone": VALUES | {"commands", "facts", "journal", "offline", "parts"},
    "session_performed": VALUES
    | {"agenda", "commands", "facts", "journal", "packing", "protocol", "recording", "session_undone", "tempo"},
    "session_saving": VALUES
    | {"commands", "facts", "files", "journal", "offline", "places", "session_performed", "session_writer"},
    "session_reader": VALUES | {"files", "journal", "outputs", "protocol", "session", "session_saving", "tempo"},
    "session_runner": VALUES
    | {"commands", "facts", "journal", "offline", "played", "protocol", "sequencer", "session", "session_cells"}
    | {"remote", "session_reader", "session_writer", "shown", "stage", "ui.names", "ui.words"},
    "ui.names": VALUES | {"handles", "stage"},
    "ui.words": VALUES | {"models.bundles", "shown", "transforms", "ui.names"},
    "session_spelling": VALUES
    | {"commands", "facts", "gm", "models.bundles", "models.chords", "models.knobs", "models.official", "models.wire"}
    | {"notation", "tempo"},
    "line": VALUES | {"places", "protocol"},
    "remote": VALUES
    | {"errands", "journal", "session_cells"}
    | {"commands", "guard", "line", "outputs", "places", "protocol", "tempo"},
    "exports": VALUES | {"files", "formats", "outputs", "protocol", "tempo"},
    "stage": VALUES
    | {"commands", "naming", "engine", "exports", "files", "functions", "gm", "handles", "instruments", "journal"}
    | {
        "knobs",
        "links",
        "mapping",
        "models.known",
        "offline",
        "outputs",
        "places",
        "played",
        "protocol",
        "remote",
        "session_cells",
    }
    | {"session_saving", "shown", "tempo", "transforms", "typed", "voicing"},
    "ui": VALUES
    | {
        "bindings",
        "mapping",
        "commands",
        "controls",
        "gm",
        "inputs",
        "models.bundles",
        "models.official",
        "models.specs",
        "models.wire",
        "notation",
        "outputs",
        "places",
    }
    | {"protocol", "scales", "session_cells", "stage", "transforms", "ui", "ui.names", "ui.words"}
    | {"recording"}
    | {"files", "journal", "offline", "session", "session_reader", "session_runner", "session_saving"}
    | {"exports", "facts", "handles", "models.store", "shown", "tempo"},
}
HEAVY = {"magenta", "note_seq", "tensorflow"}
MAY_LOAD_HEAVY = {"models.rnn", "models.worker", "formats"}


def modules() -> list[str]:
    names = [path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in ROOT.rglob("*.py")]
    return sorted(name.removesuffix(".__init__") for name in names if name != "__init__")


def layer_of(module: str) -> str:
    return module if module in ALLOWED else module.split(".")[0]


def imports(module: str) -> set[str]:
    path = ROOT / Path(*module.split("."))
    source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    package = module.split(".") if source.name == "__init__.py" else module.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = [*(["livecode", *base] if node.level else []), *(node.module.split(".") if node.module else [])]
            found |= {".".join([*stem, name.name]) for name in node.names} if not node.module else {".".join(stem)}
    return found


@pytest.mark.parametrize("module", modules())
def test_imports_point_down_the_layers(module: str) -> None:
    if module == "models":
        return
    ours = {name.removeprefix("livecode.") for name in imports(module) if name.startswith("livecode.")}
    layers = {name if name in ALLOWED else layer_of(name) for name in ours}
    assert layers - ALLOWED[layer_of(module)] - {layer_of(module)} == set()


@pytest.mark.parametrize("module", modules())
def test_only_the_worker_side_knows_tensorflow(module: str) -> None:
    loaded = {name.split(".")[0] for name in imports(module)} & HEAVY
    assert not loaded or module in MAY_LOAD_HEAVY


def test_the_public_names_are_what_is_there() -> None:
    assert sorted(livecode.__all__) == livecode.__all__
    there = {name for name, value in vars(livecode).items() if not isinstance(value, ModuleType) and name[0] != "_"}
    assert there == set(livecode.__all__)
    assert all(getattr(livecode, name).__doc__ for name in livecode.__all__ if name != "Beats")


def test_importing_livecode_loads_nothing_heavy_and_starts_nothing() -> None:
    heavy = "{'tensorflow', 'note_seq', 'magenta', 'onnxruntime', 'fluidsynth', 'mido', 'pretty_midi', 'pandas', 'IPython'}"
    probe = f"import sys, threading, livecode; print({heavy} & set(sys.modules), threading.active_count())"
    said = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert (said.stdout.strip(), said.stderr) == ("set() 1", "")
