"""Chords as they are typed, read from lead sheets, and heard."""

import os
import subprocess
import sys
import zipfile
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st
from model_pieces import bundle_of

import livecode as lc
from livecode.errors import BadInput, BadNotation, BundleError
from livecode.models import noteseq
from livecode.models.chords import chords, given, written
from livecode.models.specs import improv_rnn, pianoroll_rnn_nade
from livecode.models.wire import NO_CHORD, Progression, Request, decode_for_worker, encode, from_json, to_json
from livecode.music import pitch_name


def bars_of(progression: Progression) -> list[tuple[float, str]]:
    return [(float(at), symbol) for at, symbol in progression.changes]


def refused(what, config=None) -> str:
    with pytest.raises(BadInput) as error:
        given(what, config)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "bars", "changes"),
    [
        ("Am F C G", 4, [(0, "Am"), (1, "F"), (2, "C"), (3, "G")]),
        ("Am | F G | C", 3, [(0, "Am"), (1, "F"), (1.5, "G"), (2, "C")]),
        ("| Am | F G _ C ||", 2, [(0, "Am"), (1, "F"), (1.25, "G"), (1.75, "C")]),
        ("Am _ . F#m7b5/E", 4, [(0, "Am"), (2, NO_CHORD), (3, "F#m7b5/E")]),
        ("B♭ CΔ C7sus4 Cø C° nc N.C.", 7, list(enumerate(["Bb", "Cmaj7", "C7sus", "Cm7b5", "Cdim", NO_CHORD, NO_CHORD]))),
        ("C∆7 C\N{INCREMENT}", 2, [(0, "Cmaj7"), (1, "Cmaj7")]),
    ],
)
def test_typed_chords_are_a_progression(text, bars, changes):
    progression = written(text)
    assert (progression.bars, bars_of(progression)) == (bars, changes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Am | | G", "Bar 2 of 'Am | | G' is empty: write _ to hold the chord on, or . for a rest."),
        ("Am F Hm", "Chord 3, 'Hm': there is no such chord; did you mean 'Bm'?"),
        ("am F", "Chord 1, 'am': there is no such chord; did you mean 'Am'?"),
        (
            "Am | F Xylophone",
            "Chord 3, 'Xylophone': there is no such chord; write it such as Am, F#m7b5, Gsus, D7(b9), C/E or N.C.",
        ),
        ("C(no9)", "Chord 1, 'C(no9)': there is no such chord; write it such as Am, F#m7b5, Gsus, D7(b9), C/E or N.C."),
        ("  ", "There are no chords in '  ': write some, such as 'Am F C G' or 'Am | F G | C'."),
        ("_ | _", "There are no chords in '_ | _': write some, such as 'Am F C G' or 'Am | F G | C'."),
        ("C " * 600, "600 bars of chords are too many: give 512 at most."),
    ],
)
def test_a_chord_that_cannot_be_read_is_refused_with_its_position(text, said):
    assert refused(text) == said


@pytest.mark.parametrize("config", ["basic_improv", "attention_improv"])
def test_a_config_that_knows_triads_says_which_chord_is_none(config):
    assert refused(written("C Gsus"), config).startswith(f"Chord 2, 'Gsus': {config} knows only chords over")
    assert refused(Progression(((Fraction(0), "Hm"),), 1), config).startswith("Chord 1, 'Hm': there is no such chord")
    assert given(written("C G13"), config) == written("C G13")
    assert refused("C G7sus4", config) == (
        f"Chord 2, 'G7sus4': {config} knows only chords over a major, minor, augmented or diminished triad; "
        "write one that is near, or take a chord_pitches_improv model."
    )
    assert str(given("C G13 Bdim7 Eaug .", config)) == "C G13 Bdim7 Eaug N.C."
    assert str(given("C5 G7sus4", "chord_pitches_improv")) == "C5 G7sus"


@settings(max_examples=400, deadline=None, derandomize=True)
@any_of(st.text(max_size=20) | st.text("ABCDGHm#b7951/()+-_.| adimnsuj♭Δ", max_size=20))
def test_any_text_is_chords_that_note_seq_can_encode_or_is_refused(text):
    try:
        progression = written(text)
    except BadNotation:
        return
    encode = noteseq.module("chords_encoder_decoder").PitchChordsEncoderDecoder().events_to_input
    transpose = noteseq.module("chord_symbols_lib").transpose_chord_symbol
    for _, symbol in progression.changes:
        assert sum(encode([symbol], 0))
        assert symbol == NO_CHORD or transpose(symbol, 0) == symbol


@pytest.mark.parametrize("what", [3, None, ["C"], b"C", "part:", "part:two words", Path("song.txt"), object()])
def test_what_cannot_be_chords_is_refused(what):
    assert refused(what) == (
        f"chords={what!r} cannot be: give text such as 'Am F C G', "
        "the path of a lead sheet (.musicxml, .xml, .mxl, .abc), or a part."
    )


def test_a_progression_goes_round_for_ever():
    song = written("Am | F G")
    assert song.between(Fraction(-1), Fraction(5, 2)) == (
        (Fraction(-1), "F"),
        (Fraction(-1, 2), "G"),
        (Fraction(0), "Am"),
        (Fraction(1), "F"),
        (Fraction(3, 2), "G"),
        (Fraction(2), "Am"),
    )
    assert written("_ C").between(Fraction(0), Fraction(1)) == ((Fraction(0), "C"),)


@pytest.mark.parametrize(
    ("changes", "bars"), [((), 1), (((0, "C"),), 0), (((1, "C"),), 1), (((-1, "C"),), 1), (((1, "C"), (0, "F")), 2)]
)
def test_a_progression_that_cannot_go_round_is_refused_wherever_it_comes_from(changes, bars):
    with pytest.raises(BadInput):
        Progression(tuple((Fraction(at), symbol) for at, symbol in changes), bars)
    sent = msgspec.json.encode({"changes": [[str(at), symbol] for at, symbol in changes], "bars": bars})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(sent, type=Progression, dec_hook=from_json)


def test_a_model_and_a_request_over_chords_go_over_the_wire(tmp_path):
    path = tmp_path / "mine.mag"
    path.write_bytes(bundle_of("chord_pitches_improv"))
    for over in ("Am | F G", "part:keys"):
        model = improv_rnn(path, chords=over)
        assert msgspec.json.decode(msgspec.json.encode(model, enc_hook=to_json), type=type(model), dec_hook=from_json) == model
    for sounding in (((Fraction(-7, 2), "Am"), (Fraction(0), "C")), chords("Am F"), None):
        request = Request("", model.key, None, Fraction(4), Fraction(120), (4, 4), 1, {}, chords=sounding)
        assert decode_for_worker(encode(request)) == request


def test_chords_to_hear():
    phrase = chords("Am | F/C . | _ Gsus", bar=3)
    assert [(float(note.onset), float(note.duration), pitch_name(note.pitch)) for note in phrase.notes] == [
        (0, 3, "A2"), (0, 3, "C3"), (0, 3, "E3"), (0, 3, "A3"),
        (3, 1.5, "C2"), (3, 1.5, "C3"), (3, 1.5, "F3"), (3, 1.5, "A3"),
        (7.5, 1.5, "G2"), (7.5, 1.5, "C3"), (7.5, 1.5, "D3"), (7.5, 1.5, "G3"),
    ]  # fmt: skip
    assert phrase.length == 9
    with pytest.raises(BadNotation, match="bar=0 is no length of a bar"):
        chords("Am", bar=0)


def test_a_model_says_what_it_plays_over(tmp_path):
    path = tmp_path / "mine.mag"
    path.write_bytes(bundle_of("basic_improv"))
    assert repr(improv_rnn(path, chords="Am F C G")) == f"improv_rnn({str(path)!r}, chords='Am F C G', bars=4)"
    assert repr(improv_rnn(path, chords="part:keys", bars=2)) == f"improv_rnn({str(path)!r}, chords='part:keys', bars=2)"
    assert str(improv_rnn(path, chords="C " * 12).chords) == "C C C C C C C C ... (12 bars)"
    with pytest.raises(BadInput, match="improv_rnn plays over chords: give it some"):
        improv_rnn(path)
    with pytest.raises(BadNotation, match="Chord 1, 'Csus': basic_improv knows only"):
        improv_rnn(path, chords="Csus")


def test_without_a_bundle_it_says_how_to_get_one():
    with pytest.raises(BundleError) as error:
        improv_rnn("basic_improv", chords="Am")
    assert str(error.value) == (
        "There is no built-in bundle for basic_improv: give the path of a .mag file that holds it, or take chord_pitches_improv."
    )
    with pytest.raises(BundleError, match="or take 'magenta:pianoroll_rnn_nade', which is downloaded"):
        pianoroll_rnn_nade("rnn-nade")


def test_typing_chords_loads_nothing_heavy():
    program = (
        "import sys, livecode; assert 'note_seq' not in sys.modules; livecode.chords('Am F C G')\n"
        "heavy = ('tensorflow', 'magenta', 'pandas', 'librosa', 'bokeh', 'pretty_midi', 'onnxruntime')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


NOTE = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>{}</duration><voice>1</voice></note>"
METER = "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
HARMONY = "<harmony><root><root-step>{}</root-step></root><kind>{}</kind></harmony>"
SHEET = f"""<?xml version="1.0"?><score-partwise version="3.0">
<part-list><score-part id="P1"><part-name>Tune</part-name></score-part></part-list><part id="P1">
<measure number="0">{METER}{NOTE.format(1)}</measure>
<measure number="1">{HARMONY.format("A", "minor")}{NOTE.format(2)}{HARMONY.format("F", "major")}{NOTE.format(2)}</measure>
<measure number="2">{HARMONY.format("G", "dominant")}{NOTE.format(4)}</measure>
<measure number="3">{NOTE.format(4)}</measure>
</part></score-partwise>"""

TUNE = 'X:1\nT:Round\nM:3/4\nL:1/4\nQ:1/4=90\nK:C\n|:"Am"A2 E|"F"F "C/E"G2:|"G7"G3|]\n'


@pytest.fixture
def sheets(tmp_path) -> Path:
    (tmp_path / "song.musicxml").write_text(SHEET)
    (tmp_path / "song.xml").write_text(SHEET)
    with zipfile.ZipFile(tmp_path / "song.mxl", "w") as folder:
        folder.writestr(
            "META-INF/container.xml", '<container><rootfiles><rootfile full-path="song.xml"/></rootfiles></container>'
        )
        folder.writestr("song.xml", SHEET)
    (tmp_path / "song.abc").write_text(TUNE)
    return tmp_path


@pytest.mark.parametrize("name", ["song.musicxml", "song.xml", "song.mxl"])
def test_a_musicxml_sheet_gives_its_chords_without_the_pickup(sheets, name):
    song = given(sheets / name)
    assert song == given(str(sheets / name))
    assert (song.bars, bars_of(song)) == (3, [(0, "Am"), (0.5, "F"), (1, "G7")])


def test_an_abc_tune_gives_its_chords_with_its_repeats(sheets):
    song = given(sheets / "song.abc")
    assert song.bars == 5
    assert song.changes == (
        (Fraction(0), "Am"), (Fraction(1), "F"), (Fraction(4, 3), "C/E"),
        (Fraction(2), "Am"), (Fraction(3), "F"), (Fraction(10, 3), "C/E"), (Fraction(4), "G7"),
    )  # fmt: skip


def test_a_sheet_that_cannot_be_read_is_refused_in_a_sentence(sheets):
    (sheets / "noise.xml").write_bytes(os.urandom(400))
    (sheets / "noise.mxl").write_bytes(os.urandom(400))
    (sheets / "bare.xml").write_text(SHEET.replace("harmony", "direction"))
    (sheets / "odd.xml").write_text(SHEET.replace("dominant", "Tristan"))
    (sheets / "bare.abc").write_text("X:1\nM:4/4\nL:1/4\nK:C\nCDEF|\n")
    (sheets / "H.abc").write_text('X:1\nM:4/4\nL:1/4\nK:C\n"C"CDEF|"Gm&"GABc|\n')
    (sheets / "empty.abc").write_text("")
    here = str(sheets) + os.sep
    unread = " cannot be read as a lead sheet ({}): export it again, or type its chords."
    bare = " has no chord symbols: write them above the notes, or type them."
    midi = (
        " is a MIDI file, and those name no chords: give a lead sheet (.musicxml, .xml, .mxl, .abc), "
        "or let a part play it and listen to that: keys >> read_midi(...), then chords=keys."
    )
    for name, said in [
        ("none.xml", " cannot be read (No such file or directory): give the path of a lead sheet."),
        ("odd.xml", unread.format("Unknown chord kind: Tristan")),
        ("empty.abc", unread.format("it has no tune")),
        ("bare.xml", bare),
        ("bare.abc", bare),
        ("song.mid", midi),
    ]:
        assert refused(sheets / name) == here + name + said
    for name in ("noise.xml", "noise.mxl"):
        assert " cannot be read as a lead sheet (" in refused(sheets / name)
    assert refused(sheets / "H.abc").startswith("Bar 2 of H.abc, 'Gm&': there is no such chord; write it such as")
    (sheets / "sus.xml").write_text(SHEET.replace("dominant", "sus47"))
    assert refused(sheets / "sus.xml", "basic_improv").startswith(
        "Bar 2 of sus.xml, 'Gsus7': basic_improv knows only chords over"
    )


@pytest.mark.magenta
def test_a_stage_plays_over_chords_and_over_a_part_that_plays_them(untrained):
    def lead(over: str, keys: str) -> list[tuple[float, str]]:
        with lc.Stage(offline=True, seed=3, bpm=120) as stage:
            stage.part("keys") >> chords(keys)
            stage.part("lead") >> improv_rnn(untrained / "basic_improv.mag", chords=over, bars=2, temperature=0.5)
            stage.run(bars=9)
            return stage.tape.onsets("lead")

    played = lead("Am F C G", "Am F C G")
    assert len(played) > 8
    assert played[-1][0] >= 24  # one answer after the other
    assert lead("Am F C G", "E") == played
    assert lead("Bb Eb", "Am F C G") != played
    assert lead("part:keys", "Am F C G") != lead("part:keys", "B5 E5")
