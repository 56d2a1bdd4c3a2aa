"""Visemes that come one by one make the same mouth as those of a whole file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rhapsode.errors import FormatError
from rhapsode.formats import azure, polly
from rhapsode.formats.viseme_curves import performance_of
from rhapsode.formats.viseme_stream import VisemeStream
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, Curves, Span, join
from rhapsode.rigs.visemes import REST, viseme_set


def random_visemes(name: str, count: int, seed: int) -> list[tuple[str, float]]:
    """Return visemes of 0.03 to 0.3 s, some of them twice, the last one silence."""
    rng = np.random.default_rng(seed)
    channels = viseme_set(name).channels
    starts = np.cumsum(rng.choice([0.033, 0.05, 0.09, 0.15, 0.3], count))
    made = [(channels[rng.integers(len(channels))], float(start)) for start in starts]
    made = [made[k - 1][:1] + one[1:] if k and rng.random() < 0.1 else one for k, one in enumerate(made)]
    return [*made, (REST[name], made[-1][1] + 0.1)]


def whole(visemes: list[tuple[str, float]], name: str, end_s: float) -> Curves:
    ends = [*(start for _, start in visemes[1:]), end_s]
    spans = [Span(text, start, end) for (text, start), end in zip(visemes, ends, strict=True)]
    return performance_of(spans, name).face


@pytest.mark.parametrize("name", ["azure", "polly"])
@pytest.mark.parametrize("every", [1, 2, 9, 1000])
def test_what_is_certain_early_equals_the_whole(name: str, every: int):
    for seed in range(12):
        visemes = random_visemes(name, 40, seed)
        end_s = visemes[-1][1] + 0.25
        stream, parts = VisemeStream(name, rate=Fraction(CURVE_HZ)), []
        for k, viseme in enumerate(visemes):
            stream.push(*viseme)
            if k % every == 0:
                parts.append(stream.take())
        parts.append(stream.finish(end_s))
        made, wanted = join(parts), whole(visemes, name, end_s)
        assert len(made) == len(wanted)
        np.testing.assert_allclose(made.values, wanted.select(made.names).values, atol=1e-5)
        others = [n for n in wanted.names if n not in made.names]
        assert not wanted.select(tuple(others)).values.any(), "a viseme moves nothing else"


def test_pieces_lie_on_the_clock_one_behind_the_other():
    stream, at = VisemeStream("azure"), Fraction(0)
    for k in range(30):
        stream.push(f"viseme_{k % 22}", 0.08 * k)
        part = stream.take()
        assert part.start == at
        at += len(part) * CLOCK_HZ / stream.rate
        assert at / CLOCK_HZ <= Fraction(0.08 * k)
    assert stream.known_s > 0.08 * 28 - 0.1, "no more than two visemes are waited for"


def test_visemes_that_take_no_time_or_go_back_in_it_do_no_harm():
    stream = VisemeStream("azure")
    for viseme, start in (("viseme_0", 0.0), ("viseme_7", 0.2), ("viseme_21", 0.2), ("viseme_7", 0.1)):
        stream.push(viseme, start)
        stream.take()
    made = stream.finish(0.5)
    assert np.isfinite(made.values).all()
    assert made.values.max() <= 1.0


def test_no_visemes_make_no_curves():
    stream = VisemeStream("polly")
    assert len(stream.take()) == len(stream.finish(0.0)) == 0


def test_what_services_send_live_is_read_as_their_files_are(tmp_path: Path):
    line = (
        '{"time":125,"type":"viseme","value":"k"}\n{"time":300,"type":"word","start":0,"end":2,"value":"Hi"}'
    )
    (tmp_path / "a.marks").write_text(line, "utf-8")
    assert polly.marks_of(line).words == polly.read(tmp_path / "a.marks").words.words
    assert [span.text for span in polly.marks_of(line).visemes] == ["k"]
    first, values = azure.frames_of('{"FrameIndex":6,"BlendShapes":[[' + ",".join(["0.5"] * 55) + "]]}")
    assert (first, values.shape) == (6, (1, 55))


@pytest.mark.parametrize("text", ["", "{", "[]", "<svg/>", '{"FrameIndex":1}', '{"BlendShapes":[[1]]}'])
def test_an_animation_that_is_none_says_what_was_expected(text: str):
    with pytest.raises(FormatError, match=r"no Azure animation JSON: got .* expected"):
        azure.frames_of(text)
