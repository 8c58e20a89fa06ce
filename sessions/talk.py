"""The piece of "Music Generation with Magenta": two loopers, drums in two bars and a melody in four, and what can be told them.

Drums RNN and Melody RNN go on from a bar of our own. First they make new bars all the time; then we keep what is good, ask again,
begin from nothing, turn the temperature and the tempo, which the talk could not, and stop, which it could not either.
"""

session(bpm=80, seed=30)

at(1)
drums = part("drums", gain=0.9)
lead = part("lead", program="Electric Piano 1", gain=0.9)
drums >> beat(
    kick="x.....x.x.......",
    snare="....x.......x...",
    hat="x.x.x.x.x.x.x.x.",
)
lead >> notes("C4 E4 G4 E4 A4 G4 E4 D4", dur=0.5)

# GENERATE: every loop is new, and continues what just played.
at(2, 3)
drums >> drums_rnn("drum_kit", bars=2)
lead >> melody_rnn("attention_rnn", bars=4)

# LOOP: these were good, keep them.
at(8)
drums.loop()

# GENERATE_ONCE: new bars once, then loop those.
at(14)
lead.generate_once()

# The talk's temperature was fixed.
at(20, 3)
lead >> melody_rnn("attention_rnn", bars=4, temperature=1.3)
drums.generate()

# So was its tempo.
at(24)
stage.ramp(100, bars=4)

# RESET_GENERATE: empty bars, then new ones once, made from nothing.
at(29)
lead.reset_generate()

# RESET_ONCE: empty bars, and stay empty.
at(35)
drums.reset()

at(37, 3)
drums.generate()

# STOP, and LOOP to come back.
at(43)
drums.stop()

at(47)
drums.loop()
lead.fade_out(bars=6)

at(52)
drums.stop()
lead.stop()

end(54)
