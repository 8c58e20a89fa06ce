"""Five minutes in A minor: keys, bass, drums and a lead that is ours, then Melody RNN's, then Improv RNN's; two scenes, a waltz,
and the way home. Most words that livecode knows are said here once.
"""

session(bpm=112, seed=3)

HOUSE = "Am F C G"
AWAY = "Dm Am E7 Am"
WALKS = notes("A1 . A1 E2 . A1 G1 A1 F1 . F1 C2 . F1 E1 F1 C2 . C2 G1 . C2 B1 C2 G1 . G1 D2 . G1 B1 G1", dur=0.5)
THEME = notes("A4 _ C5 E5 _ D5 C5 _ A4 _ C5 D5 _ E5 _ . G5 _ E5 C5 _ D5 E5 _ D5 _ _ B4 _ G4 _ .", dur=0.5)

# The keys, out of nowhere.
at(1)
keys = part("keys", program="Electric Piano 1", gain=0.7, pan=-0.2)
keys.fade(0.1, bars=0)
keys.fade_in(bars=8)
keys >> chords(HOUSE).transpose(12).arpeggiate("1/2", "updown")
key = "A minor"

at(9)
bass = part("bass", program="Synth Bass 1", gain=0.85)
bass >> WALKS

at(13)
drums = part("drums", gain=0.85)
hands = part("hands", channel=10, gain=0.65, pan=0.4)
drums >> beat(kick="x...x...x...x...", hat="..x...x...x...x.", snare="....x.......x...")
swing = 0.54

at(16, 3)
hands >> beat(maracas="o.x.o.x.o.x.o.x.", conga="..x..x....x..x..")
hands.every(4, "rotate", 1)
drums >> drums_rnn("drum_kit", bars=2, temperature=0.8)

# The theme, played by a person who is not a machine.
at(21)
lead = part("lead", program="Vibraphone", gain=0.95, pan=0.15)
lead >> THEME
lead.map(humanise("1/64", 9, seed=1))

# The model takes it up.
at(28, 3)
lead >> melody_rnn("attention_rnn", bars=4)
lead.set(range=("E4", "E6"), density=2)

at(40)
drums.loop()

at(41)
lead.loop()
stage.store("house")

# A break: hands alone, then the keys far away.
at(45)
hands.solo(on="bar")

at(47)
hands.unsolo(on="bar")
drums.mute(on="bar")
keys >> chords(AWAY).transpose(12)
keys.program = "Choir Aahs"
bass >> notes("D2 _ _ _ A1 _ _ _ E2 _ _ _ A1 _ G1 _")
lead.free("density")
lead >> improv_rnn(chords=AWAY, bars=4, temperature=1.1)

at(54)
lead.candidates(8)

at(55)
lead.pick(4)
stage.store("away")

at(63)
drums >> beat(snare="o.o.o.o.x.x.x.x.x.x.xxxxXXXXXXXX", kick="x.......x.......x...x...x.x.x.x.")
drums.unmute(on="bar")

# And the house is back, as it was.
at(64, 4)
stage.scene("house")

at(66)
drums.generate()
lead.generate()
stage.ramp(120, bars=4)

at(73)
bass.every(2, transpose(12))
hands.gain = 0.7

at(81)
drums.generate_once()
lead.candidates(6)

at(83)
lead.pick(1)

# A waltz on what was just played.
at(88, 4)
riff = lead.grab(1)
stage.meter = "3/4"
bpm = 138
bass.plain()
hands.plain()
keys >> chords(HOUSE, bar=3).transpose(12).arpeggiate("1/2", "up")
bass >> notes("A1 . E2 F1 . C2 C2 . G1 G1 . D2")
drums >> beat(kick="x...........", hat="....x...x.x.", stick="........x...")
hands >> beat(triangle="x...........", claves="....x...x...")
lead >> riff.slice(0, 3).thin(1)

at(92, 2)
lead >> improv_rnn(chords=keys, bars=4)

at(103)
hands.every(4, "reverse")

at(112)
lead.loop()

# Two bars of sticks, and home with everything.
at(114)
stage.count_in(2)

at(116, 3)
stage.meter = "4/4"
bpm = 120
stage.scene("house")

at(118)
drums >> drums_rnn("drum_kit", bars=2)
lead >> THEME.layer(THEME.transpose(-12))
lead.map(quantise("1/4"))

at(126)
lead.plain()
lead >> THEME.invert().to_scale("A minor").transpose(12)

at(128)
lead.undo()

at(133)
lead.keep()
keys.every(2, thin(1))
keys.pan = 0.2

# Enough of models: what plays now, plays on.
at(137)
safe()

at(141)
drums.fade_out(bars=6)
hands.stop()
stage.ramp(84, bars=8)

at(148)
lead.stop()
bass >> notes("A1 _ _ _")
keys.plain()
keys >> chords("Am").transpose(12)

at(150, 2.5)
stage.hush()

end(152)
