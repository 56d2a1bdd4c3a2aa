"""Azure, Polly and Rhubarb: layouts by their documentation, round trips, recognition, and damage."""

import json
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rhapsode import rigs
from rhapsode.errors import FormatError, RigError
from rhapsode.formats import load, open_writer, save
from rhapsode.formats.viseme_curves import performance_of
from rhapsode.formats.viseme_track import SHORTEST_S, VisemeTrack
from rhapsode.performance import Curves, Performance, Span, Words
from rhapsode.rigs.lips import CLOSED_GAP, lip_gap
from tests.formats.performances import cut, performance

PHONES = tuple(
    Span(text, start / 100, end / 100)
    for text, start, end in (
        *(("h", 10, 16), ("ɛ", 16, 24), ("l", 24, 30), ("oʊ", 30, 45), ("m", 45, 52), ("aɪ", 52, 68)),
        *(("b", 68, 72), ("eɪ", 72, 86), ("p", 86, 90), ("i", 90, 100), ("z", 100, 110)),
        *(("f", 130, 140), ("aʊ", 140, 160), ("t", 160, 165)),
    )
)
WORDS = (
    Span("Héllo", 0.1, 0.45),
    Span("my", 0.45, 0.68),
    Span("babies.", 0.68, 1.1),
    Span("Fout?", 1.3, 1.65),
)
SETS = ("oculus", "azure", "polly", "rhubarb")
FILES = (".visemes.json", ".rhubarb.json", ".tsv", ".marks", ".polly.jsonl")


def spoken(name: str = "oculus") -> Performance:
    return performance_of(rigs.phones_to_visemes(PHONES, name, end_s=2.0), name)


def told() -> Performance:
    return replace(spoken(), heard=None, words=Words(WORDS, PHONES))


def track(take: Performance, name: str, step: int) -> tuple[Span, ...]:
    made = VisemeTrack(name)
    for part in cut(take, step):
        made.push(part)
    return made.finish()


def alike(one: Performance, two: Performance, channel: str = "jawOpen") -> float:
    a, b = one.face.resample(50)[channel], two.face.resample(50)[channel]
    count = min(len(a), len(b))
    return float(np.corrcoef(a[:count], b[:count])[0, 1])


@pytest.mark.parametrize("name", SETS)
def test_visemes_become_movement_with_whole_closures(name):
    take = spoken(name)
    assert len(take.face) == 100
    assert take.heard is not None
    np.testing.assert_allclose(take.heard.values.sum(axis=1), 1, atol=1e-3)
    gap = lip_gap(take.face.values[:, :52])
    for closure in (0.485, 0.7, 0.88):
        assert gap[round(closure * 50)] < CLOSED_GAP
    assert gap[30] > 0.5
    steps = np.abs(np.diff(take.face.values, axis=0)).max()
    assert 0.05 < steps < 0.45, "a mouth moves within a few curve frames, not in one"


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("known", ["heard", "face"])
def test_a_track_holds_every_closure_and_nothing_too_short(name, known):
    take = spoken() if known == "heard" else Performance(spoken().face)
    events = track(take, name, 33)
    for step in (1, 7, 100):
        assert track(take, name, step) == events
    assert events[0].start_s == 0
    assert events[-1].end_s == pytest.approx(2)
    for one, two in pairwise(events):
        assert one.end_s == two.start_s
        assert one.text != two.text
    assert min(event.end_s - event.start_s for event in events) > SHORTEST_S - 1e-6
    lips, teeth = (rigs.phone_visemes(phone, name)[0] for phone in "pf")
    assert [e.text for e in events if e.text in (lips, teeth)] == [lips, lips, lips, teeth]
    for closure, heard in zip((e for e in events if e.text == lips), (0.485, 0.7, 0.88), strict=True):
        assert closure.start_s - 0.03 < heard < closure.end_s + 0.03


@pytest.mark.parametrize("name", SETS)
def test_lips_that_meet_with_an_open_jaw_are_a_closure(name):
    values = np.zeros((100, 52), np.float32)
    values[:, rigs.ARKIT.index("jawOpen")] = 0.3
    values[[30, 31, 32, 60, 61], rigs.ARKIT.index("mouthClose")] = 0.3
    events = track(Performance(Curves(rigs.BLENDSHAPES, values)), name, 11)
    lips = rigs.phone_visemes("p", name)[0]
    found = [(round(e.start_s, 2), round(e.end_s, 2)) for e in events if e.text == lips]
    assert found == [(0.6, 0.66), (1.2, 1.24)]


def test_phones_decide_where_there_are_any():
    for name in SETS:
        assert track(told(), name, 9) == rigs.phones_to_visemes(PHONES, name, end_s=2.0)
    broken = replace(told(), words=Words((), (Span("1", 0, 1),)))
    with pytest.raises(RigError, match="a phone must be written in IPA"):
        track(broken, "azure", 9)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("what", ["phones", "heard", "face"])
def test_out_and_in_again(tmp_path, kind, what):
    take = {"phones": told(), "heard": spoken(), "face": Performance(spoken().face)}[what]
    back = load(save(take, tmp_path / f"a{kind}"))
    assert len(back.face) == pytest.approx(100, abs=1)
    assert alike(take, back) > (0.84 if what == "phones" else 0.75)
    again = load(save(Performance(back.face), tmp_path / f"b{kind}"))
    assert alike(back, again) > 0.75


@pytest.mark.parametrize("kind", [".azure.json", ".json", *FILES, ".csv"])
def test_a_plain_extension_is_recognised(tmp_path, kind):
    path = save(told(), tmp_path / f"a{kind}")
    plain = tmp_path / f"plain.{kind.rpartition('.')[2]}"
    plain.write_bytes(path.read_bytes())
    np.testing.assert_array_equal(load(plain).face.values, load(path).face.values)


def test_polly_marks_named_json_and_a_format_by_name(tmp_path):
    path = save(told(), tmp_path / "a.marks")
    for name in ("a.json", "a.jsonl", "a.txt"):
        (tmp_path / name).write_bytes(path.read_bytes())
    expected = load(path).face.values
    np.testing.assert_array_equal(load(tmp_path / "a.json").face.values, expected)
    np.testing.assert_array_equal(load(tmp_path / "a.jsonl").face.values, expected)
    np.testing.assert_array_equal(load(tmp_path / "a.txt", format="polly.jsonl").face.values, expected)
    with pytest.raises(FormatError, match=r"format 'riff' is unknown; give one of: json csv azure\.json"):
        load(path, format="riff")


def test_what_was_looked_for_is_told(tmp_path):
    (tmp_path / "a.json").write_text('{"frames": []}')
    with pytest.raises(FormatError) as raised:
        load(tmp_path / "a.json")
    for name in ("Audio2Face JSON", "Azure animation JSON", "Azure viseme events", "Rhubarb", "Polly"):
        assert name in str(raised.value)


def test_azure_animation_has_the_layout_of_the_service(tmp_path):
    take = performance(100)
    with open_writer(tmp_path / "a.azure.json") as out:
        for part in cut(take, 17):
            out.write(part)
    chunks = json.loads((tmp_path / "a.azure.json").read_text())
    assert [chunk["FrameIndex"] for chunk in chunks] == [0, 60]
    rows = np.array([row for chunk in chunks for row in chunk["BlendShapes"]])
    expected = take.face.resample(60)
    assert rows.shape == (120, 55)
    np.testing.assert_allclose(rows[:, 17], expected["jawOpen"], atol=1e-6)
    np.testing.assert_allclose(
        rows[:, 51:],
        expected.select(("tongueOut", "headRoll", "leftEyeRoll", "rightEyeRoll")).values,
        atol=1e-6,
    )
    assert (
        save(take, tmp_path / "b.azure.json", fps=30).read_bytes() == (tmp_path / "a.azure.json").read_bytes()
    )


def test_azure_animation_from_events_with_holes_and_one_after_another(tmp_path):
    chunks = [{"FrameIndex": k, "BlendShapes": [[k / 10] * 55]} for k in (0, 1, 4)]
    events = [{"privAudioOffset": 0, "privVisemeId": 0, "privAnimation": json.dumps(c)} for c in chunks]
    path = tmp_path / "a.azure.json"
    for text in (json.dumps(chunks), "\n".join(map(json.dumps, chunks)), json.dumps(events)):
        path.write_text(text)
        np.testing.assert_allclose(load(path).face["jawOpen"], [0, 0.1, 0.2, 0.3, 0.4], atol=1e-6)
        (tmp_path / "plain.json").write_text(text)
        assert len(load(tmp_path / "plain.json").face) == 5


def test_azure_events_are_ticks_and_read_in_any_spelling(tmp_path):
    events = json.loads(save(told(), tmp_path / "a.visemes.json").read_text())
    assert events[1] == {"audio_offset": 1_000_000, "viseme_id": 12}
    assert events[-1] == {"audio_offset": 20_000_000, "viseme_id": 0}
    expected = load(tmp_path / "a.visemes.json").face.values
    for offset, viseme in (("AudioOffset", "VisemeId"), ("privAudioOffset", "privVisemeId")):
        spelt = [{offset: e["audio_offset"], viseme: e["viseme_id"]} for e in events]
        for text in (json.dumps(spelt), json.dumps({"visemes": spelt}), "\n".join(map(json.dumps, spelt))):
            (tmp_path / "b.json").write_text(text)
            np.testing.assert_array_equal(load(tmp_path / "b.json").face.values, expected)


def test_polly_marks_as_the_guide_shows_them(tmp_path):
    marks = [json.loads(line) for line in save(told(), tmp_path / "a.marks").read_text().splitlines()]
    assert [mark["time"] for mark in marks] == sorted(mark["time"] for mark in marks)
    text = "Héllo my babies. Fout?".encode()
    for mark in marks:
        if mark["type"] in ("word", "sentence"):
            assert text[mark["start"] : mark["end"]].decode() == mark["value"]
    assert [m["value"] for m in marks if m["type"] == "word"] == ["Héllo", "my", "babies", "Fout"]
    assert [m["value"] for m in marks if m["type"] == "sentence"] == ["Héllo my babies.", "Fout?"]
    assert [w.text for w in load(tmp_path / "a.marks").words.words] == ["Héllo", "my", "babies.", "Fout?"]


def test_polly_takes_the_visemes_of_other_languages(tmp_path):
    lines = [{"time": 100 * k, "type": "viseme", "value": v} for k, v in enumerate("lJBa")]
    (tmp_path / "a.marks").write_text("\n".join(map(json.dumps, lines)))
    take = load(tmp_path / "a.marks")
    assert take.face["jawOpen"][17] > 0.3
    assert lip_gap(take.face.values[:, :52])[12] < CLOSED_GAP


def test_rhubarb_writes_hundredths_and_moho_frames(tmp_path):
    tree = json.loads(save(told(), tmp_path / "a.rhubarb.json").read_text())
    assert tree["metadata"]["duration"] == 2.0
    assert tree["mouthCues"][1] == {"start": 0.1, "end": 0.16, "value": "B"}
    lines = save(told(), tmp_path / "a.tsv").read_text().splitlines()
    assert lines[:2] == ["0.00\tX", "0.10\tB"]
    assert lines[-1] == "2.00\tX"
    lines = save(told(), tmp_path / "a.dat").read_text().splitlines()
    assert lines[:3] == ["MohoSwitch1", "1 rest", "3 etc"]
    frames = [int(line.split()[0]) for line in lines[1:]]
    assert frames == sorted(set(frames))
    assert sum(line.endswith("MBP") for line in lines) == 3
    slow = save(told(), tmp_path / "b.dat", fps=8).read_text()
    assert slow.count("MBP") == 3, "closures outlive a low frame rate"


BAD = {
    ".azure.json": (
        *(
            "[]",
            "{}",
            "3",
            '{"FrameIndex": 0, "BlendShapes": [[1, 2]]}',
            '[{"FrameIndex":0,"BlendShapes":[3]}]',
        ),
        *('{"FrameIndex": -1, "BlendShapes": []}', '{"FrameIndex": 0, "BlendShapes": null}'),
        *('{"FrameIndex": 99999, "BlendShapes": [[0]]}', '{"animation": "x"}', '{"animation": "[]"}'),
    ),
    ".visemes.json": (
        *("[]", "{}", "[1]", '[{"audio_offset": 0}]', '[{"audio_offset": "0", "viseme_id": 0}]'),
        *('[{"audio_offset": -1, "viseme_id": 0}]', '[{"audio_offset": 0, "viseme_id": 22}]'),
        *('[{"audio_offset": 1e300, "viseme_id": 0}]', '[{"audio_offset": NaN, "viseme_id": 0}]'),
    ),
    ".rhubarb.json": (
        *("[]", "{}", '{"mouthCues": 3}', '{"mouthCues": [3]}', '{"mouthCues": [{"start": 0, "end": 1}]}'),
        *('{"mouthCues": [{"start": 0, "end": NaN, "value": "A"}]}', '{"mouthCues": [{"value": "A"}]}'),
        '{"mouthCues": [{"start": 1, "end": 0, "value": "A"}]}',
        '{"mouthCues": [{"start": 0, "end": 2, "value": "A"}, {"start": 1, "end": 3, "value": "B"}]}',
    ),
    ".tsv": ("", "0.0 A", "x\tA", "nan\tA", "0.0\tQ", "1\tA\n0\tB", "1e99\tA", "0.0\tA\tB"),
    ".marks": (
        *("", "{}", "[]", '{"time": 0, "type": "word", "value": "a"}', '{"time": 0, "type": "x"}'),
        *('{"time": NaN, "type": "viseme", "value": "p"}', '{"time": 0, "type": "viseme", "value": "q"}'),
        *('{"type": "viseme", "value": "p"}', '{"time": 0, "type": "viseme", "value": ["p"]}'),
        '{"time": 0, "type": "word", "value": 3}',
    ),
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in BAD.items() for text in texts])
def test_malformed_files_are_refused(tmp_path, kind, text):
    (tmp_path / f"a{kind}").write_text(text)
    with pytest.raises(FormatError, match=r"a\..*: got .*, expected .*; ") as raised:
        load(tmp_path / f"a{kind}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", [".azure.json", *FILES])
def test_files_cut_anywhere_or_of_noise_raise_nothing_else(tmp_path, kind):
    data = save(told(), tmp_path / f"a{kind}").read_bytes()
    rng = np.random.default_rng(0)
    noisy = [bytes(rng.permutation(np.frombuffer(data[:400], np.uint8))) for _ in range(10)]
    for text in [data[:n] for n in range(0, len(data), max(len(data) // 60, 1))] + noisy + [b"\0\xff" * 9]:
        (tmp_path / f"b{kind}").write_bytes(text)
        with suppress(FormatError):
            load(tmp_path / f"b{kind}")


def test_recorded_names_lead_to_the_right_paths():
    from rhapsode.formats import format_of

    assert format_of("My. Take.AZURE.JSON").name == "Azure animation JSON"
    assert format_of("take.json", name="visemes").name == "Azure viseme events"
    assert format_of(Path("x.json"), name="rhubarb").name == "Rhubarb JSON"
    assert format_of("x.azure.json", name="a2f").name == "Audio2Face JSON"
