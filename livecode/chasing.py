"""Musical time goes along with another clock: its tempo, its starts and stops. What these are is for `following` to say."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from .clock import Clock
from .commands import AnyCommand, On, Restart, Tempo
from .errors import BadInput, UnknownName
from .facts import Fact, Slept, Steered, Taken
from .following import Following
from .masters import Change, Master, Turn
from .music import Beats, Seconds
from .naming import nearest
from .parts import Part
from .phase import TICKS
from .plan import Plan, order
from .transport import on_grid


class Chase:
    """The clocks that can be followed, and the one that is.

    do: has a command so from a beat on. start: lets time begin if notes wait for it.
    """

    def __init__(
        self,
        plan: Plan,
        clock: Clock,
        parts: Mapping[str, Part],
        *,
        do: Callable[[AnyCommand, Beats, Beats], str],
        start: Callable[[], None],
        note: Callable[[str], None],
        record: Callable[[Fact], None],
    ) -> None:
        self._plan, self._clock, self._parts, self.time = plan, clock, parts, plan.time
        self._do, self._start_if_sounding, self._note, self._record = do, start, note, record
        self._masters: dict[str, Master] = {}
        self.following: Following | None = None
        self._theirs: Turn | None = None
        """What the clock that is followed did, to be done as soon as time stands still."""
        self.rejoin = False
        """Whether to go on with it, as soon as time stands still."""

    def offer(self, name: str, master: Master) -> None:
        """There is a clock of this name, which can be followed."""
        self._masters[name] = master
        if self.following is not None and self.following.name == name:
            self.following = Following(name, master)

    def follow(self, source: str) -> str:
        """Raises UnknownName."""
        if not source:
            had, self.following, self._theirs = self.following, None, None
            return f"{had.name} is not followed any more: the tempo stays" if had else "no clock is followed"
        near = nearest(source, self._masters)
        if len(near) != 1:
            raise UnknownName.of("clock", source, near or self._masters)
        self.following = Following(near[0], self._masters[near[0]])
        return f"follows the clock of {near[0]}"

    def tempo_of_others(self, command: Tempo) -> str:
        """What becomes of a tempo that is not ours alone; "" if it is. Raises BadInput."""
        following, now = self.following, self._clock.now()
        if following is None or not following.master.state(now).heard:
            return ""
        if not following.master.shared:
            raise BadInput(f"The tempo follows {following.name}: turn it there, or stage.follow_clock(None) comes first.")
        if command.bars:
            raise BadInput(f"The tempo is shared by {following.name}, which knows no ramps: set it at once, stage.bpm = 120.")
        following.master.lead(float(command.bpm))
        return f"bpm {float(command.bpm):g} for everybody on {following.name}"

    def check_going_on(self) -> None:
        """Raises BadInput while the clock that is followed stands still: a paused stage waits for it."""
        following = self.following
        if following is not None and self.time.paused and not following.master.state(self._clock.now()).running:
            name = following.name
            raise BadInput(f"{name} stands still, and the music waits for it: start it there, or stage.follow_clock(None) first.")

    def words(self) -> str:
        """How it goes, for the status, and which clocks are ignored; "" if none is followed."""
        if self.following is None:
            return ""
        now = self._clock.now()
        try:
            ignored = [f"the clock of {name} is ignored" for name in self._others(now)]
            return "; ".join([self.following.words(self.time, now), *ignored])
        except Exception as error:  # whatever Link or a port may raise, all else is shown
            return f"follows {self.following.name}: failed ({error!r})"

    def _others(self, now: Seconds) -> list[str]:
        """The clocks that arrive beside the one that is followed."""
        masters = [(name, master) for name, master in list(self._masters.items()) if not master.shared]
        return [name for name, master in masters if not self._is_followed(name) and master.state(now).heard]

    def _is_followed(self, name: str) -> bool:
        return self.following is not None and self.following.name == name

    def entrance(self) -> Seconds | None:
        """When time may go on, to be where the clock is that is followed; None for as soon as it can."""
        return self.following.entrance(self.time, self._clock.now()) if self.following else None

    def go_along(self) -> None:
        """Do as the clock does that is followed."""
        now = self._clock.now()
        for name, master in list(self._masters.items()):
            turns = master.read(now)
            if self.following is not None and self._is_followed(name):
                for turn in turns:
                    self._heed(self.following, turn)
        if self.following is None:
            return
        self._share(self.following)
        for name in self._others(now):
            self._plan.note_once((name, "clock"), f"{name} sends a clock, too: {self.following.name} is followed.")
        if not self.time.running:
            self._join_if_due(self.following)
        elif self.time.pause_at is None and self.following.astray(self.time, now):
            self._note(f"{self.following.name} has its bar lines elsewhere: the music waits for the next")
            self.rejoin = True
            self._stand_still(self.time.moment(On.BAR))
        for steer in self.following.steer(self.time, now, self._plan.handed):
            self._record(Steered(now=self.time.reachable(), at=steer.at, bpm=steer.bpm))
            self.steer(steer.at, steer.bpm)
        self._plan.note_once((self.following.name, "trouble"), self.following.trouble(now))

    def _heed(self, following: Following, turn: Turn) -> None:
        """The clock that is followed was started or stopped."""
        self._note(f"{following.name} {turn.change.value}")
        if following.master.shared:
            self._heed_peers(turn)
            return
        self._theirs = None if turn.change is Change.STOPPED else turn
        if self.time.running:
            theirs = Beats(0) if following.offset is None else on_grid(following.offset + Fraction(turn.beat))
            self._stand_still(max(self.time.reachable(), theirs if turn.change is Change.STOPPED else Beats(0)))

    def _heed_peers(self, turn: Turn) -> None:
        """Somebody who shares the clock has started or stopped all who do: each goes on where it is, at its place of the bar."""
        time = self.time
        if turn.change is Change.STOPPED and time.running:
            self._stand_still(max(time.reachable(), Fraction(round(time.beat_at(turn.moment) * TICKS), TICKS)))
            time.paused = not time.running  # also if its first beat had not come
            self._plan.record_moves()
        self.rejoin = turn.change is not Change.STOPPED and (time.paused or time.pause_at is not None)

    def _share(self, following: Following) -> None:
        """Have those who share the clock start and stop as we do; to wait for their bar line is no stop."""
        time = self.time
        if time.running or time.paused:
            playing = self.rejoin or (time.running and time.pause_at is None)
            at = time.held if time.pause_at is None else time.pause_at
            moment = max(self._clock.now(), time.straight_at(at)) if time.running else self._clock.now()
            following.master.tell(moment, playing=playing)

    def _stand_still(self, at: Beats) -> None:
        """Until the clock that is followed goes on."""
        self._plan.forget_pause()
        self.time.pause(at)
        self._plan.replan(self._parts.values(), at)
        self._plan.tick_again(at)
        if self.time.beat() < self.time.held:
            self.time.call_off()
        self._plan.record_moves()

    def _join_if_due(self, following: Following) -> None:
        """Go on, if the clock that is followed does."""
        turn, self._theirs = self._theirs, None
        rejoin, self.rejoin = self.rejoin, False
        if turn is not None:
            self._join(following, turn)
        elif rejoin:
            self.time.run(self.entrance())
            self._plan.record_moves()
        else:
            self._start_if_sounding()

    def _join(self, following: Following, turn: Turn) -> None:
        """Go on from where time stands still, together with the clock that is followed."""
        held = self.time.held
        sounding = any(part.phrase_at(Beats(0)) for part in self._parts.values())
        if not (self.time.paused or sounding):
            return  # with the first notes
        beat, moment = following.landing(turn, self.time, self._clock.now())
        if turn.change is Change.BEGAN and held:
            self._record(Taken(now=held, at=beat, command=Restart(on=On.NOW)))
            self._do(Restart(), held, beat)
        if beat > held:
            self._record(Slept(begin=held, end=beat))
            self.time.held = self._plan.handed = beat
        self.time.run_with(beat, moment)
        events = [event for part in self._parts.values() for event in self._plan.events(part, self.time.held, self.time.held)]
        for part in self._parts.values():
            part.planned = max(part.planned, self.time.held)
        self._plan.to_outputs(lambda output: self._plan.hand_over(sorted(events, key=order), output))
        self._plan.record_moves()

    def steer(self, at: Beats, bpm: Fraction) -> None:
        """The tempo from this beat on, as the master has it."""
        self.time.tempo = self.time.tempo.with_bpm(at, bpm)
        self._plan.replan(self._parts.values(), at)
        self._plan.tick_again(at)
