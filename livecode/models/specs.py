"""What a performer types for a model: `drums_rnn(bars=2)`, `melody_rnn("attention_rnn", temperature=1.1)`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from ..errors import BadInput
from ..files import expanded
from ..music import Phrase
from . import bundles
from .chords import ChordsGiven, given
from .configs import CONFIGS
from .interpreters import placed
from .knobs import SEARCH_KNOBS, checked, seed_of
from .wire import LONGEST_PRIMER, Engine, Model, Progression

Primer: TypeAlias = Phrase | str | os.PathLike[str] | None
"""What a model continues: "last" for the part's own last bars, a phrase, the path of a MIDI file, None for nothing."""


def drums_rnn(
    model: str | os.PathLike[str] = "drum_kit",
    *,
    bars: int = 2,
    temperature: float = 1.0,
    seed: int | None = None,
    primer: Primer = "last",
    beam_size: int = 1,
    branch_factor: int = 1,
    steps_per_iteration: int = 1,
    engine: Engine = "compiled",
    python: str | os.PathLike[str] | None = None,
) -> Model:
    """Magenta's Drums RNN: continues the part's last bars, several drums at a time, in sixteenths.

    model: "drum_kit" (nine drums), or the path of a .mag file with drum_kit or one_drum (hand claps, in eighths).
    bars: how many bars it makes at a time, 1 to 64.
    temperature: 1.0 as trained; lower is safer, higher is wilder; 0.01 to 10.
    seed: the same seed gives the same bars; None follows the session's.
    primer: what it continues: "last" (the part's last bars), a phrase, the path of a MIDI file, or None. From nothing, or
    from a single kick, it wanders: a bar of your own beat works best.
    beam_size, branch_factor, steps_per_iteration: search for likelier bars. Of beam_size sequences each grows into
    branch_factor ones by steps_per_iteration steps, and the beam_size likeliest live on: 1, 1, 1 searches nothing. Time
    grows with beam_size x branch_factor; bars x beam_size x branch_factor may be 512.
    engine: what runs it: "compiled", or "magenta" for Magenta's own generator on TensorFlow. They give the same bars.
    python: the interpreter of another environment for it to run in, such as "~/magenta/bin/python"; None is livecode's own.

    Raises BadInput, UnknownName or BundleError, at once.
    Source: magenta/models/drums_rnn, magenta/models/shared/events_rnn_model.py, magenta/common/beam_search.py.

    >>> drums_rnn(bars=2, temperature=1.1)
    drums_rnn('drum_kit', bars=2, temperature=1.1)
    >>> drums_rnn(temperature=0)
    Traceback (most recent call last):
    livecode.errors.BadInput: A temperature of 0 leaves the model no choice: give 0.01 to 10, where 1.0 is as it was trained.
    """
    knobs = _search(temperature, beam_size, branch_factor, steps_per_iteration)
    return _model("drums_rnn", model, bars, knobs, primer, seed, engine, python)


def melody_rnn(
    model: str | os.PathLike[str] = "attention_rnn",
    *,
    bars: int = 4,
    temperature: float = 1.0,
    seed: int | None = None,
    primer: Primer = "last",
    beam_size: int = 1,
    branch_factor: int = 1,
    steps_per_iteration: int = 1,
    engine: Engine = "compiled",
    python: str | os.PathLike[str] | None = None,
) -> Model:
    """Magenta's Melody RNN: continues the part's last bars with one voice, in sixteenths.

    model: "attention_rnn", or the path of a .mag file with attention_rnn, lookback_rnn, basic_rnn or mono_rnn.
    primer: as for `drums_rnn`; of notes that start together the model hears the highest.
    bars, temperature, seed, beam_size, branch_factor, steps_per_iteration, engine, python: as for `drums_rnn`.

    Raises BadInput, UnknownName or BundleError, at once.
    Source: magenta/models/melody_rnn, magenta/models/shared/events_rnn_model.py.

    >>> melody_rnn(seed=7, primer=None)
    melody_rnn('attention_rnn', bars=4, seed=7, primer=None)
    >>> melody_rnn("drum_kit")
    Traceback (most recent call last):
    livecode.errors.UnknownName: 'drum_kit' is a Drums RNN model: use drums_rnn('drum_kit').
    """
    knobs = _search(temperature, beam_size, branch_factor, steps_per_iteration)
    return _model("melody_rnn", model, bars, knobs, primer, seed, engine, python)


def improv_rnn(
    model: str | os.PathLike[str] = "chord_pitches_improv",
    *,
    chords: ChordsGiven | None = None,
    bars: int = 4,
    temperature: float = 1.0,
    seed: int | None = None,
    primer: Primer = "last",
    beam_size: int = 1,
    branch_factor: int = 1,
    steps_per_iteration: int = 1,
    engine: Engine = "compiled",
    python: str | os.PathLike[str] | None = None,
) -> Model:
    """Magenta's Improv RNN: continues the part's last bars with one voice that follows chords, in sixteenths.

    model: "chord_pitches_improv", Magenta's own "magenta:chord_pitches_improv", or the path of a .mag file with that,
    attention_improv or basic_improv.
    chords: one a bar, "Am F C G"; bars of several between bar lines, "Am | F G | C"; `_` holds on, `.` is none. The first is
    that of the stage's first bar, and they go round: bars=2 plays over one half of "Am F C G", then over the other. Or the path
    of a lead sheet (.musicxml, .xml, .mxl, .abc), or a part, stage.part("keys") or "part:keys", whose chords are inferred from
    what it is about to play. attention_improv and basic_improv know a chord by its triad only.
    primer: as for `melody_rnn`; the chords go round under it, too.
    bars, temperature, seed, beam_size, branch_factor, steps_per_iteration, engine, python: as for `drums_rnn`.

    Raises BadInput, UnknownName or BundleError, at once.
    Source: magenta/models/improv_rnn, note_seq/chords_encoder_decoder.py, note_seq/chord_inference.py.

    >>> improv_rnn(chords="Am | F G | C", bars=2)
    improv_rnn('chord_pitches_improv', chords='Am | F G | C', bars=2)
    >>> improv_rnn(chords="Am F Hm")
    Traceback (most recent call last):
    livecode.errors.BadNotation: Chord 3, 'Hm': there is no such chord; did you mean 'Bm'?
    """
    if chords is None:
        raise BadInput("improv_rnn plays over chords: give it some, such as chords='Am F C G', or a part that plays them.")
    knobs = _search(temperature, beam_size, branch_factor, steps_per_iteration)
    return _model("improv_rnn", model, bars, knobs, primer, seed, engine, python, given(chords))


def pianoroll_rnn_nade(
    model: str | os.PathLike[str] = "magenta:pianoroll_rnn_nade",
    *,
    bars: int = 4,
    seed: int | None = None,
    primer: Primer = "last",
    beam_size: int = 1,
    branch_factor: int = 1,
    engine: Engine = "magenta",
    python: str | os.PathLike[str] | None = None,
) -> Model:
    """Magenta's Pianoroll RNN-NADE: several voices, in sixteenths, each step of them at once.

    model: Magenta's own, "magenta:pianoroll_rnn_nade" or "magenta:pianoroll_rnn_nade-bach", downloaded when it is first asked
    for, or the path of a .mag file with rnn-nade or rnn-nade_attn.
    primer: as for `melody_rnn`; every note from A0 to C8 is heard.
    seed: matters only if the bundle's graph draws. As Magenta 2.1.4 exports it, it does not: a pitch sounds if it is likelier
    than not, so the same primer gives the same bars, and a model that is sure of nothing gives silence.
    bars, beam_size, branch_factor, python: as for `drums_rnn`. There is no temperature.
    engine: "magenta" only: this model is not compiled.

    Raises BadInput, UnknownName or BundleError, at once.
    Source: magenta/models/pianoroll_rnn_nade, magenta/common/nade.py.

    >>> pianoroll_rnn_nade("bach.mag", engine="compiled")
    Traceback (most recent call last):
    livecode.errors.BadInput: Pianoroll RNN-NADE is not compiled: leave engine out, and Magenta's own generator plays it.
    """
    if engine == "compiled":
        raise BadInput("Pianoroll RNN-NADE is not compiled: leave engine out, and Magenta's own generator plays it.")
    knobs = {"beam_size": beam_size, "branch_factor": branch_factor}
    return _model("pianoroll_rnn_nade", model, bars, knobs, primer, seed, engine, python)


def polyphony_rnn(
    model: str | os.PathLike[str] = "magenta:polyphony_rnn",
    *,
    bars: int = 4,
    temperature: float = 1.0,
    seed: int | None = None,
    primer: Primer = "last",
    continue_primer: bool = True,
    keep_primer: bool = False,
    beam_size: int = 1,
    branch_factor: int = 1,
    steps_per_iteration: int = 1,
    engine: Engine = "compiled",
    python: str | os.PathLike[str] | None = None,
) -> Model:
    """Magenta's Polyphony RNN: several voices in the manner of a chorale, in sixteenths. It knows no bar lines.

    model: Magenta's own, downloaded when it is first asked for, or the path of a .mag file with polyphony.
    primer: as for `melody_rnn`; every note of it is heard.
    continue_primer: whether the new bars go on from the primer. Magenta calls it condition_on_primer.
    keep_primer: whether the primer's notes sound in the new bars, from their first beat on, and the model plays around them: with
    continue_primer=False that sets a melody for several voices. Magenta calls it inject_primer_during_generation.
    bars, temperature, seed, beam_size, branch_factor, steps_per_iteration, engine, python: as for `drums_rnn`. A model that
    goes on playing notes into one step is given up after 20 events a step, and the part repeats.

    Raises BadInput, UnknownName or BundleError, at once.
    Source: magenta/models/polyphony_rnn.

    >>> polyphony_rnn("chorales.mag", keep_primer="yes")
    Traceback (most recent call last):
    livecode.errors.BadInput: keep_primer='yes' cannot be: give True or False.
    """
    knobs = _search(temperature, beam_size, branch_factor, steps_per_iteration)
    knobs |= {"continue_primer": continue_primer, "keep_primer": keep_primer}
    if keep_primer is True and primer is None:
        raise BadInput("keep_primer=True needs a primer to keep: give notes, the path of a MIDI file, or 'last'.")
    return _model("polyphony_rnn", model, bars, knobs, primer, seed, engine, python)


def performance_rnn(
    model: str | os.PathLike[str] = "magenta:performance_with_dynamics",
    *,
    bars: int = 4,
    temperature: float = 1.0,
    seed: int | None = None,
    primer: Primer = "last",
    density: float | None = None,
    pitch_classes: str | Sequence[float] | None = None,
    beam_size: int = 1,
    branch_factor: int = 1,
    steps_per_iteration: int = 1,
    engine: Engine = "compiled",
    python: str | os.PathLike[str] | None = None,
) -> Model:
    """Magenta's Performance RNN: plays as a pianist does, freely, in hundredths of a second and, mostly, with dynamics.

    model: Magenta's own, downloaded when it is first asked for, such as "magenta:multiconditioned_performance_with_dynamics", or
    the path of a .mag file with performance, performance_with_dynamics or one of its variants.
    primer: as for `melody_rnn`; its last 30 seconds are heard, with their velocities.
    density: notes a second that it should play, 0 to 64; only density_conditioned and multiconditioned models heed it. Magenta
    calls it notes_per_second.
    pitch_classes: which it should play: names such as "C E G G", a key such as "A minor", or twelve weights from C to B;
    only pitch_conditioned and multiconditioned models heed them. Magenta calls it pitch_class_histogram. An
    optional_multiconditioned model with neither knob plays as it likes (Magenta's disable_conditioning).
    bars, temperature, seed, beam_size, branch_factor, steps_per_iteration, engine, python: as for `drums_rnn`. Beats become
    seconds at the tempo of the bars that are asked for. As many events are drawn as Magenta draws, four for each note that
    the density (else 15) makes likely; where they do not fill the bars, the rest is silent. No note lasts longer than five
    seconds.

    Raises BadInput, UnknownName or BundleError, at once.
    Source: magenta/models/performance_rnn, note_seq/performance_controls.py.

    >>> performance_rnn(density=float("nan"))
    Traceback (most recent call last):
    livecode.errors.BadInput: density=nan cannot be: give a number of notes a second from 0 to 64.
    """
    knobs = _search(temperature, beam_size, branch_factor, steps_per_iteration)
    knobs |= {"density": density, "pitch_classes": pitch_classes}
    return _model("performance_rnn", model, bars, knobs, primer, seed, engine, python)


def _search(*values: float) -> dict[str, object]:
    return dict(zip(SEARCH_KNOBS, values, strict=True))


def _model(
    family: str,
    model: str | os.PathLike[str],
    bars: int,
    knobs: Mapping[str, object],
    primer: Primer,
    seed: int | None,
    engine: Engine,
    python: str | os.PathLike[str] | None,
    chords: Progression | str | None = None,
) -> Model:
    """What was typed, checked: at last which bundle it is, for that may have to be downloaded."""
    stand, heard = checked(bars, knobs), _primer(primer, drums=family == "drums_rnn")
    seed_of(seed)
    key = placed(bundles.find(family, model, engine), python)
    for name in stand:
        able = [config for config, known in CONFIGS.items() if name in known.heeds]
        if able and key.config not in able:
            raise BadInput(f"{key.config} has no {name}: leave it out, or give one of {', '.join(able)}.")
    if isinstance(chords, Progression):
        chords = given(chords, key.config)
    return Model(key, bars, stand, heard, seed, chords)


def _primer(primer: Primer, *, drums: bool) -> Phrase | str | None:
    if primer is None or primer == "last":
        return None if primer is None else "last"
    if isinstance(primer, str | os.PathLike):
        primer = _read(primer)
    if not isinstance(primer, Phrase):
        raise BadInput(f"primer={primer!r} cannot be: give 'last', None, a phrase, or the path of a .mid file.")
    if primer.length > LONGEST_PRIMER:
        raise BadInput(
            f"The primer is {primer.length} beats long: a model hears at most {LONGEST_PRIMER}, "
            f"so give its end, such as primer.last({LONGEST_PRIMER})."
        )
    if primer.drums and not drums:
        raise BadInput("The primer is drums, and this model continues notes: give it notes, or use drums_rnn(...).")
    return primer


def _read(path: str | os.PathLike[str]) -> Phrase:
    if Path(path).suffix.lower() not in (".mid", ".midi"):
        raise BadInput(f"primer={os.fspath(path)!r} cannot be: give 'last', None, a phrase, or the path of a .mid file.")
    # Inside the function because it loads mido, which start-up does without.
    from ..formats import read_midi

    return read_midi(expanded(path))
