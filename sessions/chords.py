"""Chords, a bass, and a lead by Improv RNN that follows them: a verse in A minor, a bridge that it hears from the keys, and home.

The lead never plays the same verse twice; in the bridge it listens to what the keys are about to play.
"""

session(bpm=92, seed=3)

VERSE = "Am7 Fmaj7 C G"
BRIDGE = "Dm7 G7 Cmaj7 E7"

at(1)
keys = part("keys", program="Electric Piano 1", gain=0.75)
pad = part("pad", program="String Ensemble 1", gain=0.35, pan=-0.3)
bass = part("bass", program="Fretless Bass", gain=0.9)
kit = part("kit", gain=0.7)
lead = part("lead", program="Vibraphone", gain=0.95, pan=0.25)

# Broken chords, alone.
keys >> chords(VERSE).transpose(12).arpeggiate("1/2", "updown")
swing = 0.55

at(5)
pad >> chords(VERSE)
pad.fade(0, bars=0)
pad.fade_in(bars=4)
bass >> notes("A1 _ _ . A1 . E2 . F1 _ _ . F1 . C2 . C2 _ _ . C2 . G1 . G1 _ _ . G1 . B1 .", dur=0.5)

at(8, 3)
kit >> beat(kick="x.....x...x.....", stick="....x.......x...", hat="x.x.x.x.x.x.x.x.")
lead >> improv_rnn(chords=VERSE, bars=4, primer=notes("E5 . C5 D5 E5 _ _ .", dur=0.5))
lead.set(range=("A4", "A6"))

at(21)
lead.loop()

# The bridge: the keys change, the lead hears it.
at(24, 3)
keys >> chords(BRIDGE).transpose(12).arpeggiate("1/2", "down")
pad >> chords(BRIDGE)
bass >> notes("D2 _ _ . D2 . A1 . G1 _ _ . G1 . D2 . C2 _ _ . C2 . G1 . E1 _ _ . E1 . G#1 .", dur=0.5)
lead >> improv_rnn(chords=keys, bars=4, temperature=1.1)
kit >> beat(kick="x..x..x...x.....", snare="....x.......x..o", hat="x.x.x.x.x.x.x.x.")

at(37)
lead.mute(on="bar")
kit.mute(on="bar")
keys >> chords(BRIDGE).transpose(12)

# Home.
at(40, 3)
keys >> chords(VERSE).transpose(12).arpeggiate("1/4", "updown")
pad >> chords(VERSE)
bass >> notes("A1 _ _ . A1 . E2 . F1 _ _ . F1 . C2 . C2 _ _ . C2 . G1 . G1 _ _ . G1 . B1 .", dur=0.5)
lead >> improv_rnn(chords=VERSE, bars=4, temperature=0.9)
lead.unmute(on="bar")
kit.unmute(on="bar")

at(52)
lead.loop()

at(57)
kit.stop()
lead.fade_out(bars=4)
stage.ramp(66, bars=4)

at(61)
keys >> chords("Am").transpose(12)
pad >> chords("Am")
bass >> notes("A1 _ _ _")
lead.stop()

at(61, 3)
keys.stop()
pad.stop()
bass.stop()

end(63)
