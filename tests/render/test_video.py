"""mp4: read back by PyAV; a flash and a click at the same time stay at the same time."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from rhapsode.errors import AvatarError, FormatError, SettingError
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import CLOCK_HZ, Curves, Performance, Sound
from rhapsode.render.video import Mp4Writer
from rhapsode.rigs import FACE
from tests.avatars.make import head, write

SECONDS = 2
CLICKS_S = (0.5, 1.5)


@pytest.fixture(scope="module")
def ball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("avatar") / "ball.vrm", head())


def _performance(fps: int, rate: int, channels: int = 1) -> Performance:
    sound = np.zeros((SECONDS * rate, channels), np.float32)
    values = np.zeros((SECONDS * fps, len(FACE)), np.float32)
    for click in CLICKS_S:
        at = round(click * rate)
        sound[at : at + rate // 50] = 0.7 * np.sin(np.arange(rate // 50) * 1200 * 2 * np.pi / rate)[:, None]
        values[round(click * fps), FACE.index("headYaw")] = 0.6
    return Performance(Curves(FACE.channels, values, Fraction(fps)), Sound(sound, rate), meta={"seed": "3"})


def _write(path: Path, ball: Path, whole: Performance, parts: int, **options: object) -> None:
    writer = Mp4Writer(path, WriteOptions(avatar=ball, size=(96, 64), **options))  # type: ignore[arg-type]
    bounds = np.linspace(0, SECONDS, parts + 1)
    for begin, end in pairwise(bounds):
        writer.write(whole.slice_s(float(begin), float(end)))
    writer.close()


def _read(path: Path) -> tuple[list[float], list[np.ndarray], np.ndarray, int, float]:
    with av.open(str(path)) as file:
        frames = [(float(f.time), f.to_ndarray(format="rgb24").astype(int)) for f in file.decode(video=0)]  # type: ignore[arg-type]
        file.seek(0)
        sounds = list(file.decode(audio=0))
        rate, first = sounds[0].sample_rate, float(sounds[0].time)  # type: ignore[arg-type]
        sound = np.concatenate([s.to_ndarray() for s in sounds], axis=1)
    return [t for t, _ in frames], [p for _, p in frames], sound, rate, first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fps", "rate", "channels"), [(30, 44100, 1), (50, 16000, 2), (60, 25000, 1), (24, 48000, 6)]
)
def test_picture_and_sound_stay_together(
    tmp_path: Path, ball: Path, fps: int, rate: int, channels: int
) -> None:
    path = tmp_path / "t.mp4"
    _write(path, ball, _performance(fps, rate, channels), 7, fps=Fraction(fps))
    times, pictures, sound, sound_rate, first = _read(path)
    np.testing.assert_allclose(times, np.arange(SECONDS * fps) / fps, atol=1e-4)
    change = np.array([np.abs(p - pictures[0]).mean() for p in pictures])
    shown = [times[n] for n in np.flatnonzero(change > 0.6 * change.max())]
    np.testing.assert_allclose(shown, CLICKS_S, atol=1e-4)
    loud = np.flatnonzero(np.abs(sound[0]) > 0.3)
    onsets = loud[np.r_[True, np.diff(loud) > sound_rate // 4]] / sound_rate + first
    # Measured worst case: 0.9 ms, the rise of the click itself.
    np.testing.assert_allclose(onsets, CLICKS_S, atol=0.002)
    assert abs(sound.shape[1] / sound_rate - SECONDS) < 0.15


def test_parts_change_nothing(tmp_path: Path, ball: Path) -> None:
    whole = _performance(30, 16000)
    one, many = tmp_path / "one.mp4", tmp_path / "many.mp4"
    _write(one, ball, whole, 1)
    _write(many, ball, whole, 11)
    _, pictures, sound, _, _ = _read(one)
    _, others, other, _, _ = _read(many)
    for a, b in zip(pictures, others, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(sound, other)


def test_streams_and_layout_of_the_file(tmp_path: Path, ball: Path) -> None:
    path = tmp_path / "t.mp4"
    _write(path, ball, _performance(30, 16000), 3)
    data = path.read_bytes()
    assert data.find(b"moov") < data.find(b"mdat"), "the index comes first, so that a browser can start"
    with av.open(str(path)) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height) == (96, 64)
        assert audio.codec_context.name == "aac"
        assert audio.rate == 16000


def test_colours_survive(tmp_path: Path, ball: Path) -> None:
    path = tmp_path / "t.mp4"
    _write(path, ball, _performance(30, 16000), 1, background="#c03020")
    corner = _read(path)[1][3][2:8, 2:8].reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(corner, [0xC0, 0x30, 0x20], atol=6)


def test_without_sound(tmp_path: Path, ball: Path) -> None:
    writer = Mp4Writer(tmp_path / "t.mp4", WriteOptions(avatar=ball, size=(64, 64)))
    writer.write(Performance(Curves(FACE.channels, np.zeros((5, 61), np.float32), Fraction(30))))
    writer.close()
    with av.open(str(tmp_path / "t.mp4")) as file:
        assert not file.streams.audio
        assert len(list(file.decode(video=0))) == 5


def test_what_is_refused(tmp_path: Path, ball: Path) -> None:
    with pytest.raises(AvatarError, match="no avatar"):
        Mp4Writer(tmp_path / "t.mp4", WriteOptions(avatar="nobody"))
    with pytest.raises(SettingError, match="no camera"):
        Mp4Writer(tmp_path / "t.mp4", WriteOptions(avatar=ball, camera="drone"))
    writer = Mp4Writer(tmp_path / "t.mp4", WriteOptions(avatar=ball))
    with pytest.raises(FormatError, match="at least one video frame"):
        writer.close()
    writer.abort()


def test_abort_in_the_middle(tmp_path: Path, ball: Path) -> None:
    writer = Mp4Writer(tmp_path / "t.mp4", WriteOptions(avatar=ball, size=(64, 64)))
    writer.write(_performance(30, 16000).slice_s(0.0, 0.3))
    writer.abort()
    assert CLOCK_HZ == 16000
