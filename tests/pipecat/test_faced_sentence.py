"""One sentence of a vendor's voice: what goes out when, with which words, face and marks."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.errors import FormatError
from rhapsode.face.spoken_curves import FacedWords
from rhapsode.formats.azure_stream import AnimationStream
from rhapsode.formats.viseme_stream import VisemeStream
from rhapsode.pipecat.faced_sentence import PATIENCE_S, FacedSentence
from rhapsode.pipecat.frames import VoiceFrame

RATE = 16_000
SECOND = bytes(2 * RATE)
NOD = object()


def told(mouth: VisemeStream, upto_s: float) -> VisemeStream:
    for k in range(round(upto_s / 0.1)):
        mouth.push(f"viseme_{k % 20}", 0.1 * k)
    return mouth


def face(frame: VoiceFrame | None) -> int:
    """Return how many rows of a face a piece has."""
    assert frame is not None
    assert isinstance(frame.words, FacedWords)
    return 0 if frame.words.face is None else len(frame.words.face)


def seconds(frame: VoiceFrame | None) -> float:
    return 0.0 if frame is None else len(frame.audio) / 2 / RATE


def test_sound_goes_as_far_as_the_face_is_known_and_the_rest_waits():
    mouth = VisemeStream("azure")
    sentence = FacedSentence("One.", RATE, mouths=(mouth,))
    sentence.sound(SECOND, 5.0)
    assert sentence.ready(5.0) is None
    assert sentence.wait(5.05) == pytest.approx(PATIENCE_S - 0.05)
    told(mouth, 0.6)
    first = sentence.ready(5.05)
    assert seconds(first) == pytest.approx(mouth.known_s, abs=0.001)
    assert face(first) == pytest.approx(100 * seconds(first), abs=2)
    assert sentence.ready(5.1) is None
    rest = sentence.ready(5.0 + PATIENCE_S)
    assert seconds(first) + seconds(rest) == 1.0
    assert sentence.wait(6.0) is None
    assert sentence.finish() is None or sentence.told


def test_a_face_that_comes_late_counts_from_then_on():
    mouth = VisemeStream("azure")
    sentence = FacedSentence("One two.", RATE, mouths=(mouth,))
    sentence.sound(SECOND, 0.0)
    assert face(sentence.ready(PATIENCE_S)) == 0
    told(mouth, 1.9)
    sentence.sound(SECOND, 1.0)
    second = sentence.ready(1.0)
    assert face(second) == pytest.approx(100 * seconds(second), abs=3)
    assert isinstance(second, VoiceFrame)
    assert isinstance(second.words, FacedWords)
    assert second.words.face is not None
    assert -160 <= second.words.face.start <= 0, "it begins with its sound, or a row before"


def test_words_belong_to_the_piece_that_their_middle_is_in():
    sentence = FacedSentence("Well, hello there!", RATE, marks=[(6, NOD), (12, NOD), (18, NOD)])
    for k, word in enumerate(("Well", "hello", "there")):
        sentence.word(word, 0.4 * k, 0.4 * k + 0.4)
    sentence.sound(bytes(RATE), 0.0)  # half a second
    one = sentence.ready(0.0)
    sentence.sound(bytes(RATE), 0.1)
    two = sentence.ready(0.1)
    sentence.sound(bytes(RATE), 0.2)
    three = sentence.finish()
    assert one is not None
    assert two is not None
    assert three is not None
    assert [frame.text.strip() for frame in (one, two, three)] == ["Well,", "hello", "there!"]
    assert [(w.text, w.start_s) for w in two.words.words] == [("hello", 0.0)]
    assert two.words.words[0].end_s == pytest.approx(0.3)
    assert [[cue.at for cue in frame.cues] for frame in (one, two)] == [[], [0.0]]
    assert [cue.at for cue in three.cues] == [0.0, pytest.approx(0.5)]


def test_a_voice_that_tells_no_words_says_them_at_the_pace_of_speech():
    sentence = FacedSentence("One two three four five six seven eight.", RATE)
    sentence.sound(SECOND, 0.0)
    first = sentence.ready(0.0)
    assert first is not None
    assert first.text == "One two three"
    sentence.sound(SECOND, 0.1)
    last = sentence.finish()
    assert last is not None
    assert first.text + last.text == "One two three four five six seven eight."


def test_no_sound_gives_nothing():
    assert FacedSentence("One.", RATE, mouths=(VisemeStream("azure"),)).finish() is None


def chunk(first: int, count: int, value: float = 0.5) -> str:
    return f'{{"FrameIndex":{first},"BlendShapes":{[[value] * 55] * count}}}'


def test_chunks_of_blendshapes_may_overlap_and_leave_gaps():
    stream = AnimationStream()
    stream.push(chunk(2, 3, 0.1))
    stream.push(chunk(8, 2, 0.9))
    stream.push(chunk(9, 2, 0.7))
    made = stream.take()
    np.testing.assert_allclose(made["jawOpen"], [0.1] * 8 + [0.9, 0.7, 0.7], atol=1e-6)
    stream.push(chunk(10, 3, 0.2))
    assert float(stream.take().start) == pytest.approx(11 * 16_000 / 60)
    assert len(stream.finish(9.0)) == 0
    with pytest.raises(FormatError, match="no Azure animation JSON"):
        stream.push("<svg/>")


@pytest.mark.parametrize("first", [100_000, 10**9, -1])
def test_frames_far_away_are_refused(first: int):
    with pytest.raises(FormatError, match="FrameIndex"):
        AnimationStream().push(chunk(first, 1))
