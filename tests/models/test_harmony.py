"""The chords that a worker lays under a melody: as written, and as note_seq hears them in another part."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livecode.models import harmony, noteseq
from livecode.models.chords import chords
from livecode.models.families import CONFIGS
from livecode.models.wire import NO_CHORD, ModelKey, Request
from livecode.music import Note, Phrase, silence

KEY = ModelKey("improv_rnn", "basic_improv", "i.mag")


def asked(over, *, beats=4, meter=(4, 4)) -> Request:
    return Request("", KEY, None, Fraction(beats), Fraction(120), meter, 1, {}, chords=over)


def changes(symbols: list[str]) -> list[tuple[int, str]]:
    return [(step, symbol) for step, symbol in enumerate(symbols) if step == 0 or symbol != symbols[step - 1]]


def test_written_chords_lie_on_the_steps_of_their_beats():
    over = ((Fraction(-4), "F"), (Fraction(0), "Am"), (Fraction(2), "G"), (Fraction(33, 16), "C"))
    symbols = harmony.symbols(asked(over), 16, 4)
    assert (len(symbols), changes(symbols)) == (32, [(0, "F"), (16, "Am"), (24, "C")])
    assert changes(harmony.symbols(asked(over[1:]), 16, 4)) == [(0, NO_CHORD), (16, "Am"), (24, "C")]
    assert changes(harmony.symbols(asked(None), 16, 4)) == [(0, NO_CHORD)]


def test_chords_that_reach_back_further_than_the_primer_are_cut():
    over = tuple((Fraction(beat), symbol) for beat, symbol in zip((-8, -6, -4, 0), ("F", "G", "Am", "C"), strict=True))
    assert changes(harmony.symbols(asked(over), 16, 4)) == [(0, "Am"), (16, "C")]


def test_what_another_part_plays_is_heard_as_its_chords():
    symbols = harmony.symbols(asked(chords("Am F | C G | Am F | C G"), beats=8), 32, 4)
    assert changes(symbols) == [(at * 8, symbol) for at, symbol in enumerate(["Am", "F", "C", "G"] * 2)]
    waltz = harmony.symbols(asked(chords("Am F C G", bar=3), beats=6, meter=(3, 4)), 24, 4)
    assert changes(waltz) == [(0, "Am"), (12, "F"), (24, "C"), (36, "G")]
    odd = harmony.symbols(asked(chords("Dm Bdim", bar="7/2"), beats="7/2", meter=(7, 8)), 16, 4)
    assert changes(odd) == [(0, NO_CHORD), (2, "Dm"), (16, "Bdim")]


def test_silence_and_drums_are_no_chord():
    drums = Phrase((Note(Fraction(0), Fraction(1), 36),), Fraction(8), drums=True)
    for nothing in (silence(Fraction(8)), drums):
        assert changes(harmony.symbols(asked(nothing), 16, 4)) == [(0, NO_CHORD)]


grids = st.integers(0, 63).map(lambda step: Fraction(step, 4))
notes = st.builds(Note, grids, st.sampled_from([Fraction(1, 4), Fraction(1), Fraction(4)]), st.integers(30, 90))


@settings(max_examples=3, deadline=None, derandomize=True)
@given(played=st.lists(notes, min_size=1, max_size=40))
def test_the_inference_is_note_seqs(played):
    phrase = Phrase(tuple(played), Fraction(16))
    lib, sequences = noteseq.module("chord_inference"), noteseq.module("sequences_lib")
    sequence = noteseq.module("protobuf.music_pb2").NoteSequence(total_time=16)
    sequence.tempos.add(qpm=60)
    sequence.time_signatures.add(numerator=4, denominator=4)
    for note in phrase.notes:
        sequence.notes.add(pitch=note.pitch, velocity=80, start_time=float(note.onset), end_time=float(note.end))
    quantized = sequences.quantize_note_sequence(sequence, 4)
    lib.infer_chords_for_sequence(quantized)
    theirs = [(Fraction(found.quantized_step, 4) - 8, found.text) for found in quantized.text_annotations]
    ours = harmony.inferred(phrase, Fraction(8), (4, 4))
    assert [place for at, place in enumerate(ours) if at == 0 or place[1] != ours[at - 1][1]] == theirs


@pytest.mark.parametrize("config", ["basic_improv", "attention_improv", "chord_pitches_improv"])
def test_what_a_model_is_told_is_what_note_seq_tells_it(config):
    family, lib = CONFIGS[config], noteseq.module("encoder_decoder")
    kinds, melodies = noteseq.module("chords_encoder_decoder"), noteseq.module("melody_encoder_decoder")
    one_hot = lib.OneHotEventSequenceEncoderDecoder
    control = kinds.PitchChordsEncoderDecoder() if config == "chord_pitches_improv" else one_hot(kinds.TriadChordOneHotEncoding())
    target = melodies.KeyMelodyEncoderDecoder(48, 84) if config == "attention_improv" else None
    theirs = lib.ConditionalEventSequenceEncoderDecoder(control, target or one_hot(melodies.MelodyOneHotEncoding(48, 84)))
    symbols = ["Am", "Am", "F#dim", NO_CHORD, "C7/E", "Gaug", "Bbmaj7"] * 5
    events = [60, -2, 64, -1, -2, 83, 48, -2, 64, -2] * 3
    encoding, controls = family.encoding(), family.encoding().controls(symbols)
    assert (encoding.input, encoding.classes) == (theirs.input_size, theirs.num_classes)
    track = family.kind(encoding)
    for position, event in enumerate(events):
        track.append(event)
        told = np.concatenate([controls[position + 1], track.vector()])
        assert told.tolist() == np.array(theirs.events_to_input(symbols, events, position), np.float32).tolist()
