"""A compiled step: whatever number of rows, at once or one by one, it says the same."""

import numpy as np
import pytest

from livecode.models import bundles
from livecode.models.step import MOST_STRIDES, Step, rows_of


@pytest.fixture
def step():
    return Step(bundles.find("melody_rnn", "attention_rnn").path.with_suffix(".onnx"))


def noise(step: Step, steps: int, rows: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(-1, 1, (steps, rows, step.made.input)).astype(np.float32)


def one_by_one(step: Step, told: np.ndarray) -> np.ndarray:
    state, said = step.zeros(told.shape[1]), []
    for inputs in told:
        softmax, state = step(inputs[None], state, 0.9)
        said.append(softmax)
    return np.concatenate(said)


def test_steps_one_by_one_say_what_all_at_once_say(step):
    told = noise(step, 40, 3)
    at_once, _ = step(told, step.zeros(3), 0.9)
    assert np.abs(one_by_one(step, told) - at_once).max() < 1e-6


def test_a_row_says_what_it_says_alone_however_many_there_are(step):
    for rows in range(1, MOST_STRIDES + 3):
        told = noise(step, 12, rows, rows)
        together = one_by_one(step, told)
        assert max(np.abs(one_by_one(step, told[:, [row]])[:, 0] - together[:, row]).max() for row in range(rows)) < 1e-6


def test_two_sequences_in_turns_are_what_each_is_alone(step):
    first, second = noise(step, 12, 2, 1), noise(step, 12, 2, 2)
    states, said = [step.zeros(2), step.zeros(2)], []
    for inputs in zip(first, second, strict=True):
        for which, told in enumerate(inputs):
            softmax, state = step(told[None], states[which], 0.9)
            states[which] = rows_of(state, np.arange(2))
            said.append(softmax)
    assert np.array_equal(np.concatenate(said[::2]), one_by_one(step, first))
    assert np.array_equal(np.concatenate(said[1::2]), one_by_one(step, second))
    assert not np.array_equal(said[-1], said[-2])


def test_probabilities_that_were_said_stay(step):
    told = noise(step, 2, 1)
    said, state = step(told[:1], step.zeros(1), 1.0)
    kept = said.copy()
    step(told[1:], state, 1.0)
    assert np.array_equal(said, kept)
