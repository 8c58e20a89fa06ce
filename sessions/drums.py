"""Drums only: a kit that Drums RNN plays, hand drums that answer it, through three meters and four tempos.

Straight at 96, then faster; a count in seven with cowbell, a waltz that slows down, and double time home.
"""

session(bpm=96, seed=19)

at(1)
drums = part("drums")
hands = part("hands", channel=10, gain=0.7, pan=0.35)
drums >> beat(
    kick="x..x..x.....x...",
    snare="....X.......X.o.",
    hat="x.x.x.x.x.x.x.o.",
)
swing = 0.56

at(3)
hands >> beat(conga="..x...x...x.x...", low_conga="........x......x", maracas="o.o.o.o.o.o.o.o.")

# The kit goes on from what it has just played.
at(4, 3)
drums >> drums_rnn("drum_kit", bars=2, temperature=0.9)

at(12)
drums.loop()

at(15)
hands >> beat(agogo="x..x..x...x.x...", low_agogo="......x.......x.", maracas="o.o.o.o.o.o.o.o.")

at(17)
stage.ramp(126, bars=4)

at(20, 3)
drums >> drums_rnn("drum_kit", bars=2, temperature=1.05)

at(28)
drums >> beat(
    kick="x...x...x...x...",
    snare="......oo..o.XXXX",
    low_tom="xx..........x...",
)
hands.mute(on="bar")

# In seven: two, two, three.
at(29)
stage.meter = "7/8"
swing = 0.5
drums >> beat(
    kick="x.....x...x...",
    snare="....X.......X.",
    ride="x.x.x.x.x.x.x.",
    crash="x.............",
)
hands >> beat(cowbell="x...x...x.x.x.", tambourine="..o...o...o.o.")
hands.unmute(on="bar")

at(31)
drums >> beat(
    kick="x.....x...x...",
    snare="....X.......X.",
    ride="x.x.x.x.x.x.x.",
)

# The model counts in fours, whatever the meter is: over the cowbell's seven that makes a charm.
at(36, 2)
drums >> drums_rnn("drum_kit", bars=2, temperature=0.8)

at(44)
drums.generate_once()

# A waltz that slows down.
at(49)
stage.meter = "3/4"
stage.ramp(84, bars=6)
drums >> beat(kick="x.......x...", snare="....o...o..o", ride="x...x.x.x...")
hands >> beat(claves="x.....x.....", triangle="....x...x...")

at(56, 2)
drums >> drums_rnn("drum_kit", bars=4, temperature=0.9)

at(64)
hands.stop()

# Home.
at(65)
stage.meter = "4/4"
bpm = 152
drums >> beat(
    kick="x..x..x...x.x...",
    snare="....X..o....X..o",
    hat="x.x.x.x.x.x.x.x.",
)
hands >> beat(bongo="x.xxx.xxx.xxx.xx", low_bongo="..o...o...o...o.")

at(66, 3)
drums >> drums_rnn("drum_kit", bars=2, temperature=0.9)

at(76)
drums.loop()

at(79)
drums >> beat(snare="x.xxx.xxX.xxX.XX", kick="x...x...x...x...", hat="x...x...x...x...")

at(80)
drums >> beat(kick="X...............", crash="X...............", low_floor_tom="X...............")
hands.stop()

at(80, 3)
drums.stop()

end(82)
