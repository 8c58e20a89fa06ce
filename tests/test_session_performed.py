"""A session that performed another is saved as what sounded, whatever was undone, recalled and frozen in it."""

from pathlib import Path
from typing import TypeAlias

import pytest
from rig import a_model
from test_performing import OPENED, Performing, plays
from test_performing_beside import answers, says

from livecode import journal
from livecode.commands import (
    Act,
    Action,
    Adjust,
    AnyCommand,
    Assign,
    InKey,
    Mute,
    Recall,
    Route,
    Safe,
    Shape,
    Solo,
    Store,
    Sweep,
    Undo,
    UndoLast,
)
from livecode.facts import Fact, Over
from livecode.facts import Performing as Performs
from livecode.journal import Opened, told
from livecode.music import Beats
from livecode.session_performed import as_said
from livecode.session_saving import retold
from livecode.transforms import Turn, transpose

RECORDED = (
    plays("lead", "C4 . . ."),
    plays("bass", "C2 . . ."),
    says(Store(scene="calm"), 1, 1),
    says(Mute(part="bass", muted=True), 5, 5),
    plays("lead", "D4 E4 . .", 7, 8),
    says(Recall(scene="calm"), 15, 16),
    plays("bass", "A2 . . .", 19, 20),
    says(UndoLast(), 23, 24),
    says(Safe(), 27, 27),
)


Said: TypeAlias = dict[int, list[AnyCommand]]
"""What is said, by the beat."""


def performed(folder: Path, recorded: tuple[Fact, ...], said: Said, *, own: str, begin: int = 0) -> Performing:
    """A rig that performs a recording, beside its own part if that has notes, while commands are said at beats."""
    file = folder / "x.jsonl"
    file.write_bytes(journal.encoded([Opened(name="x", time=0.0, opening=OPENED), *recorded, Over(now=Beats(32))]))
    rig = Performing({str(file): journal.read(file).recording})
    if own:
        rig.plays("mine", own)
        rig.play(until=2)
    rig.performs(str(file), begin)
    for beat, commands in said.items():
        rig.play(until=beat)
        for command in commands:
            rig.obey(command)
    rig.play(until=44)
    return rig


NOTHING: Said = {}
UNDOES_OWN: Said = {
    9: [Mute(part="lead", muted=True), Adjust(part="bass", gain=0.5)],
    13: [Undo(part="lead"), plays("bass", "G2 . . .").command],
    17: [UndoLast(), UndoLast()],
}
UNDOES_THE_REPLAY: Said = {10: [UndoLast()]}
SHAPES: Said = {
    9: [
        Shape(part="lead", turn=Turn((transpose(12),))),
        Solo(part="lead", soloed=True),
        Sweep(part="lead", control=74, value=90),
        InKey(part="lead", key="A minor"),
        Route(part="bass", output=""),
    ],
    10: [Store(scene="loud")],
    14: [Undo(part="lead")] * 4,
    22: [Recall(scene="loud")],
}


@pytest.mark.parametrize("own", ["", "G5 . . .", "TAKEN"])
@pytest.mark.parametrize("said", [NOTHING, UNDOES_OWN, UNDOES_THE_REPLAY, SHAPES])
def test_it_is_saved_as_it_sounded(own: str, said: Said, tmp_path: Path) -> None:
    recorded = (*RECORDED, plays("mine", "B3 . . .", 11, 12)) if own == "TAKEN" else RECORDED
    saved_as_it_sounded(performed(tmp_path, recorded, said, own="G5 A5 . ." if own else ""))


@pytest.mark.parametrize("then", [Act(part="lead", action=Action.LOOP), Assign(part="lead", model=a_model())])
def test_what_a_model_had_said_before_a_replay_began_sounds_on(then: AnyCommand, tmp_path: Path) -> None:
    recorded = (
        says(Assign(part="lead", model=a_model()), 0, 0),
        answers("lead", "C4 . . .", 1, 4),
        answers("lead", "E4 F4 . .", 6, 8),
        says(then, 10, 12),
        plays("bass", "C2 . . .", 11, 12),
    )
    rig = performed(tmp_path, recorded, {}, own="G5 A5 . .", begin=16)
    assert {pitch for _, pitch in rig.tape.onsets("lead")} == {"E4", "F4"}
    saved_as_it_sounded(rig)


def saved_as_it_sounded(rig: Performing) -> None:
    story = as_said(told(OPENED, rig.facts))
    assert not any(isinstance(fact, Performs) for fact in story.facts)
    engine, _ = retold(story, Beats(44))
    heard = [(part, rig.tape.onsets(part)) for part in ("mine", "lead", "bass")]
    saved = [(part, engine.tape.onsets(part)) for part in ("mine", "lead", "bass")]
    assert [(part, [note for note in notes if note[0] < 40]) for part, notes in saved] == [
        (part, [note for note in notes if note[0] < 40]) for part, notes in heard
    ]
