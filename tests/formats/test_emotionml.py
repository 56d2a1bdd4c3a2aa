"""EmotionML: what is written is read back by other means; foreign and hostile documents."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.dom import minidom

import numpy as np
import pytest

from rhapsode.errors import FormatError
from rhapsode.face.emotion import EMOTIONS, Emotion
from rhapsode.formats import load, open_writer, save
from rhapsode.formats.emotionml import BIG6, NAMESPACE
from rhapsode.formats.emotionml_reader import read_timeline
from rhapsode.performance import Curves, Performance
from rhapsode.rigs import FACE
from tests.formats.performances import cut

HEAD = f'<emotionml version="1.0" xmlns="{NAMESPACE}" category-set="{BIG6}">'


TRACE = '<emotion><category name="joy"><trace freq="{}" samples="{}"/></category></emotion>'


def played(frames: int = 200, start: int = 0, **levels: Any) -> Performance:
    """Return a performance in which each name has a level, or levels by curve frame."""
    values = np.zeros((frames, len(levels)), np.float32)
    for column, level in zip(values.T, levels.values(), strict=True):
        column[:] = level
    track = Curves(tuple(levels), values, start=Fraction(start))
    return Performance(
        Curves(FACE.channels, np.zeros((frames, 61), np.float32), start=Fraction(start)), emotion=track
    )


def between(frames: int, first: int, last: int, level: float) -> np.ndarray:
    made = np.zeros(frames)
    made[first:last] = level
    return made


def document(path: Path, body: str, head: str = HEAD) -> Path:
    path.write_text(f"{head}{body}</emotionml>", encoding="utf-8")
    return path


@pytest.mark.parametrize("extension", [".emotionml", ".xml"])
def test_a_document_is_what_the_w3c_asks_for(tmp_path, extension):
    take = played(joy=between(200, 50, 150, 0.6), amazement=between(200, 50, 150, 0.2))
    root = minidom.parse(str(save(take, tmp_path / f"line{extension}"))).documentElement
    assert root is not None
    assert (root.localName, root.namespaceURI) == ("emotionml", "http://www.w3.org/2009/10/emotionml")
    assert root.getAttribute("version") == "1.0"
    assert root.getAttribute("category-set") == "http://www.w3.org/TR/emotion-voc/xml#big6"
    (emotion,) = root.getElementsByTagName("emotion")
    assert (emotion.getAttribute("start"), emotion.getAttribute("duration")) == ("1000", "2000")
    said = {c.getAttribute("name"): c.getAttribute("value") for c in emotion.getElementsByTagName("category")}
    assert said == {"happiness": "0.6", "surprise": "0.2"}


def test_names_that_the_six_lack_stand_in_a_vocabulary_of_the_document(tmp_path):
    root = minidom.parse(str(save(played(pain=0.5, anger=0.25), tmp_path / "a.xml"))).documentElement
    assert root is not None
    six, own = root.getElementsByTagName("emotion")
    assert six.getElementsByTagName("category")[0].getAttribute("name") == "anger"
    assert own.getElementsByTagName("category")[0].getAttribute("name") == "pain"
    (vocabulary,) = root.getElementsByTagName("vocabulary")
    assert own.getAttribute("category-set") == "#" + vocabulary.getAttribute("id")
    items = {item.getAttribute("name") for item in vocabulary.getElementsByTagName("item")}
    assert items == {"cheekiness", "grief", "outofbreath", "pain"}


def test_what_changes_is_a_trace(tmp_path):
    rise = np.linspace(0.2, 0.8, 100)
    root = minidom.parse(str(save(played(100, sadness=rise), tmp_path / "a.xml"))).documentElement
    assert root is not None
    (trace,) = root.getElementsByTagName("trace")
    assert trace.getAttribute("freq") == "10Hz"
    samples = [float(value) for value in trace.getAttribute("samples").split()]
    assert samples == pytest.approx(rise[::5], abs=1e-3)


def test_dimensions_are_the_w3cs(tmp_path):
    path = save(played(joy=0.5, arousal=0.75, valence=0.9), tmp_path / "a.xml")
    root = minidom.parse(str(path)).documentElement
    assert root is not None
    assert root.getAttribute("dimension-set") == "http://www.w3.org/TR/emotion-voc/xml#fsre-dimensions"
    said = {d.getAttribute("name"): d.getAttribute("value") for d in root.getElementsByTagName("dimension")}
    assert said == {"arousal": "0.75", "valence": "0.9"}


def test_a_track_comes_back(tmp_path):
    t = np.arange(200) / 50
    waves: dict[str, Any] = {name: 0.5 + 0.4 * np.sin(t * (0.4 + 0.2 * k)) for k, name in enumerate(EMOTIONS)}
    take = played(**waves)
    back = load(save(take, tmp_path / "a.emotionml")).emotion
    assert back is not None
    assert take.emotion is not None
    assert back.names == EMOTIONS
    # Measured worst case .014: lines between trace samples of 10 Hz, and three digits.
    np.testing.assert_allclose(back.values[:195], take.emotion.values[:195], atol=0.02)


def test_parts_give_the_same_file_and_clock_zero_is_the_first_frame(tmp_path):
    take = played(150, start=16_000, joy=np.linspace(0, 1, 150))
    save(take, tmp_path / "whole.xml")
    with open_writer(tmp_path / "parts.xml") as out:
        for part in cut(take, 7):
            out.write(part)
    whole = (tmp_path / "whole.xml").read_text()
    assert whole == (tmp_path / "parts.xml").read_text()
    assert 'start="40"' in whole  # the first frame felt is the third one: levels below 0.01 are none


def test_nothing_felt_is_an_empty_document_and_no_track_is_an_error(tmp_path):
    path = save(played(joy=0.0), tmp_path / "a.xml")
    assert not minidom.parse(str(path)).getElementsByTagName("emotion")
    assert len(load(path).face) == 0
    silent = Performance(Curves(FACE.channels, np.zeros((9, 61), np.float32)))
    with pytest.raises(FormatError, match="got a performance without any; ask for some"):
        save(silent, tmp_path / "b.xml")
    assert not (tmp_path / "b.xml").exists()


def test_a_foreign_document_is_read(tmp_path):
    path = document(
        tmp_path / "foreign.xml",
        '<info/><emotion start="1268647330000" end="1268647331000">'
        '<category name="Anger" value="0.5"/></emotion>'
        '<emotion start="1268647331000" duration="500"><category name="surprise"/>'
        '<dimension name="pleasure" value="0.25"/><intensity value="0.3"/></emotion>',
    )
    track = load(path).emotion
    assert track is not None
    assert len(track) == 75
    assert track["anger"][:50] == pytest.approx(0.5)
    assert not track["anger"][50:].any()
    assert track["amazement"][50:] == pytest.approx(1.0)
    assert track["valence"][[0, 60]] == pytest.approx([0.5, 0.25])


def test_a_document_can_be_played(tmp_path):
    path = document(
        tmp_path / "a.emotionml",
        '<emotion start="500" duration="1000"><category name="fear" value="0.4"/></emotion>',
    )
    timeline = read_timeline(path)
    assert timeline.at(0.2) == {}
    assert timeline.at(1.0) == Emotion(fear=float(np.float32(0.4)))
    assert timeline.at(1.6) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<emotionml", "broken XML"),
        ("", "broken XML"),
        ("<smil xmlns='x'/>", "got the element smil"),
        ("<emotionml version='1.0'/>", "in the namespace http://www.w3.org/2009/10/emotionml"),
        ('<!DOCTYPE e [<!ENTITY a "b">]>' + HEAD + "</emotionml>", "document type declaration"),
        ('<!DOCTYPE e SYSTEM "file:///etc/hosts">' + HEAD + "</emotionml>", "document type declaration"),
        (
            HEAD + '<emotion><category name="bored"/></emotion></emotionml>',
            "category 'bored'; known are anger",
        ),
        (HEAD + '<emotion><category name="fear" value="2"/></emotion></emotionml>', "fear with '2'"),
        (HEAD + '<emotion><category name="fear" value="nan"/></emotion></emotionml>', "values lie in"),
        (HEAD + '<emotion start="soon"/></emotionml>', "start='soon'; times are whole milliseconds"),
        (HEAD + '<emotion start="9" end="3"/></emotionml>', "ends at 3 ms and begins at 9 ms"),
        (HEAD + '<emotion start="0" end="99999999999"/></emotionml>', "give times within a day"),
    ],
)
def test_what_is_no_emotionml_is_refused(tmp_path, text, says):
    path = tmp_path / "bad.xml"
    path.write_text(text)
    with pytest.raises(FormatError) as caught:
        load(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_truncated_documents_are_refused(tmp_path):
    whole = save(played(joy=0.5), tmp_path / "a.xml").read_bytes()
    for size in range(0, len(whole) - 14, 37):
        (tmp_path / "cut.xml").write_bytes(whole[:size])
        with pytest.raises(FormatError, match="broken XML"):
            load(tmp_path / "cut.xml")
