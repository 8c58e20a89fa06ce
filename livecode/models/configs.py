"""What each config of Magenta's RNN families is: plain facts, for the prompt, the engine and the workers alike.

Source: `default_configs` in magenta/models/*_rnn/*_rnn_model.py.
"""

from dataclasses import dataclass

EVERY = range(128)

MELODIC = range(48, 84)
"""Source: DEFAULT_MIN_NOTE and DEFAULT_MAX_NOTE in magenta/models/melody_rnn/melody_rnn_model.py and improv_rnn_model.py."""

PIANO = range(21, 109)
"""Source: PianorollSequence in note_seq/pianoroll_lib.py."""


@dataclass(frozen=True, slots=True)
class Config:
    """A config: its family, the pitches that it knows, the knobs that it heeds and others of its family do not, whether it knows
    chords by root and triad only, the bundle of it that ships with livecode ("" for none; the card beside the file says of
    what and how good), and whether Magenta's own generator can play it."""

    family: str
    pitches: range = EVERY
    heeds: tuple[str, ...] = ()
    triads: bool = False
    built_in: str = ""
    on_magenta: bool = True

    @property
    def outside(self) -> str:
        """What is done with notes of other pitches."""
        return "are heard in other octaves" if self.pitches == MELODIC else "are not heard"


CONFIGS = {
    "one_drum": Config("drums_rnn"),
    "drum_kit": Config("drums_rnn", built_in="drum_kit_groove.mag"),
    "basic_rnn": Config("melody_rnn", MELODIC),
    "mono_rnn": Config("melody_rnn"),
    "lookback_rnn": Config("melody_rnn", MELODIC),
    "attention_rnn": Config("melody_rnn", MELODIC, built_in="attention_rnn_pop909.mag"),
    "basic_improv": Config("improv_rnn", MELODIC, triads=True),
    "attention_improv": Config("improv_rnn", MELODIC, triads=True),
    "chord_pitches_improv": Config("improv_rnn", MELODIC, built_in="chord_pitches_improv_pop909.mag"),
    "rnn-nade": Config("pianoroll_rnn_nade", PIANO),
    "rnn-nade_attn": Config("pianoroll_rnn_nade", PIANO),
    "polyphony": Config("polyphony_rnn"),
    "performance": Config("performance_rnn"),
    "performance_with_dynamics": Config("performance_rnn"),
    "performance_with_dynamics_and_modulo_encoding": Config("performance_rnn"),
    "performance_with_dynamics_and_note_encoding": Config("performance_rnn", on_magenta=False),
    "density_conditioned_performance_with_dynamics": Config("performance_rnn", heeds=("density",)),
    "pitch_conditioned_performance_with_dynamics": Config("performance_rnn", heeds=("pitch_classes",)),
    "multiconditioned_performance_with_dynamics": Config("performance_rnn", heeds=("density", "pitch_classes")),
    "optional_multiconditioned_performance_with_dynamics": Config("performance_rnn", heeds=("density", "pitch_classes")),
}
