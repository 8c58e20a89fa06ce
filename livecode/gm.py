"""General MIDI's tables: 128 programs by name, and the drums of channel 10 by the names performers type.

Source: General MIDI System Level 1 (MIDI Manufacturers Association), instrument patch map and percussion key map.
"""

from .errors import BadInput, UnknownName

_PROGRAMS = """
Acoustic Grand Piano, Bright Acoustic Piano, Electric Grand Piano, Honky-Tonk Piano, Electric Piano 1, Electric Piano 2, Harpsichord, Clavinet
Celesta, Glockenspiel, Music Box, Vibraphone, Marimba, Xylophone, Tubular Bells, Dulcimer
Drawbar Organ, Percussive Organ, Rock Organ, Church Organ, Reed Organ, Accordion, Harmonica, Tango Accordion
Acoustic Guitar (nylon), Acoustic Guitar (steel), Electric Guitar (jazz), Electric Guitar (clean), Electric Guitar (muted), Overdriven Guitar, Distortion Guitar, Guitar Harmonics
Acoustic Bass, Electric Bass (finger), Electric Bass (pick), Fretless Bass, Slap Bass 1, Slap Bass 2, Synth Bass 1, Synth Bass 2
Violin, Viola, Cello, Contrabass, Tremolo Strings, Pizzicato Strings, Orchestral Harp, Timpani
String Ensemble 1, String Ensemble 2, Synth Strings 1, Synth Strings 2, Choir Aahs, Voice Oohs, Synth Choir, Orchestra Hit
Trumpet, Trombone, Tuba, Muted Trumpet, French Horn, Brass Section, Synth Brass 1, Synth Brass 2
Soprano Sax, Alto Sax, Tenor Sax, Baritone Sax, Oboe, English Horn, Bassoon, Clarinet
Piccolo, Flute, Recorder, Pan Flute, Blown Bottle, Shakuhachi, Whistle, Ocarina
Lead 1 (square), Lead 2 (sawtooth), Lead 3 (calliope), Lead 4 (chiff), Lead 5 (charang), Lead 6 (voice), Lead 7 (fifths), Lead 8 (bass + lead)
Pad 1 (new age), Pad 2 (warm), Pad 3 (polysynth), Pad 4 (choir), Pad 5 (bowed), Pad 6 (metallic), Pad 7 (halo), Pad 8 (sweep)
FX 1 (rain), FX 2 (soundtrack), FX 3 (crystal), FX 4 (atmosphere), FX 5 (brightness), FX 6 (goblins), FX 7 (echoes), FX 8 (sci-fi)
Sitar, Banjo, Shamisen, Koto, Kalimba, Bagpipe, Fiddle, Shanai
Tinkle Bell, Agogo, Steel Drums, Woodblock, Taiko Drum, Melodic Tom, Synth Drum, Reverse Cymbal
Guitar Fret Noise, Breath Noise, Seashore, Bird Tweet, Telephone Ring, Helicopter, Applause, Gunshot
"""

PROGRAMS: tuple[str, ...] = tuple(name.strip() for name in _PROGRAMS.replace("\n", ",").split(",") if name.strip())
"""The 128 programs in order; the first is program 1 to people and 0 on the wire."""

BANK_HIGH, BANK_LOW = 0, 32
"""The controllers that select a bank, after MIDI 1.0's table of control change messages."""

DRUM_CHANNEL = 9
"""The percussion channel on the wire: channel 10 to people."""

DRUMS: dict[str, int] = {
    "kick": 36, "kick2": 35, "stick": 37, "snare": 38, "clap": 39, "snare2": 40, "low_floor_tom": 41, "hat": 42,
    "floor_tom": 43, "pedal_hat": 44, "low_tom": 45, "open_hat": 46, "mid_tom": 47, "hi_mid_tom": 48, "crash": 49,
    "tom": 50, "ride": 51, "china": 52, "bell": 53, "tambourine": 54, "splash": 55, "cowbell": 56, "crash2": 57,
    "vibraslap": 58, "ride2": 59, "bongo": 60, "low_bongo": 61, "mute_conga": 62, "conga": 63, "low_conga": 64,
    "timbale": 65, "low_timbale": 66, "agogo": 67, "low_agogo": 68, "cabasa": 69, "maracas": 70, "whistle": 71,
    "long_whistle": 72, "guiro": 73, "long_guiro": 74, "claves": 75, "wood_block": 76, "low_wood_block": 77,
    "mute_cuica": 78, "cuica": 79, "mute_triangle": 80, "triangle": 81,
}  # fmt: skip
"""Short names of the percussion key map, and their pitches."""


def program_number(program: int | str) -> int:
    """The number on the wire (0-127) of a program given by name or by its General MIDI number (1-128).

    A name may be any unmistakable part of the full one. Raises UnknownName or BadInput.

    >>> program_number("Vibraphone"), program_number("square"), program_number(1)
    (11, 80, 0)
    """
    if isinstance(program, bool) or not isinstance(program, int | str):
        raise BadInput(f"Program {program!r} is neither a name nor a number: give one such as 'Vibraphone' or 12.")
    if isinstance(program, int):
        if not 1 <= program <= 128:
            raise BadInput(f"There is no program {program}: General MIDI counts them from 1 to 128.")
        return program - 1
    wanted = _folded(program)
    folded = [_folded(name) for name in PROGRAMS]
    if wanted in folded:
        return folded.index(wanted)
    matches = [number for number, name in enumerate(folded) if wanted and wanted in name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = ", ".join(repr(PROGRAMS[number]) for number in matches[:6])
        raise UnknownName(f"Program {program!r} could be any of {names}: give more of the name.")
    raise UnknownName.of("program", program, PROGRAMS)


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
