"""Decoding against soundfile and against files that are broken in every way that people meet."""

import os
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np
import pytest
import soundfile

from rhapsode.audio.decode import decode, open_sound, read_sound
from rhapsode.errors import AudioError
from tests.sounds import speechlike


def tone(seconds: float, sample_rate: int, channels: int = 1) -> np.ndarray:
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    return np.stack([0.5 * np.sin(2 * np.pi * 200 * (c + 1) * t) for c in range(channels)], axis=1).astype(
        np.float32
    )


def encode(path: Path, y: np.ndarray, sample_rate: int, codec: str, *, picture: bool = False) -> Path:
    """Write ``y`` through FFmpeg, with a small picture track in front if asked."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=25) if picture else None
        sound: Any = out.add_stream(codec, rate=sample_rate)
        sound.layout = "mono" if y.shape[1] == 1 else "stereo"
        if video is not None:
            video.width = video.height = 32
            for _ in range(round(25 * len(y) / sample_rate)):
                blank = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
                out.mux(video.encode(blank))
            out.mux(video.encode(None))
        frame: Any = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(y.T), format="fltp", layout=sound.layout.name
        )
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, 0, Fraction(1, sample_rate)
        resampler = av.AudioResampler(
            sound.format, sound.layout, sample_rate, frame_size=sound.frame_size or 1024
        )
        for piece in resampler.resample(frame) + resampler.resample(None):
            out.mux(sound.encode(piece))
        out.mux(sound.encode(None))
    return path


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
@pytest.mark.parametrize(("sample_rate", "channels"), [(16_000, 1), (44_100, 2), (11_025, 3)])
def test_every_wav_equals_what_soundfile_reads(tmp_path, subtype, sample_rate, channels):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(0.31, sample_rate, channels), sample_rate, subtype=subtype)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    sound = read_sound(path)
    assert sound.sample_rate == sample_rate
    # Measured worst case 6e-8: float32 rounding of 32-bit values.
    np.testing.assert_allclose(sound.samples, expected, atol=1e-7)


@pytest.mark.parametrize("kind", ["FLAC", "AIFF", "CAF", "AU", "W64", "RF64"])
def test_lossless_containers(tmp_path, kind):
    path = tmp_path / f"a.{kind.lower()}"
    y = tone(0.2, 48_000, 2)
    soundfile.write(path, y, 48_000, format=kind, subtype="PCM_16")
    sound = read_sound(path)
    assert sound.samples.shape == y.shape
    np.testing.assert_allclose(sound.samples, y, atol=1 / 32768)


@pytest.mark.parametrize(
    ("name", "codec", "sample_rate"),
    [
        ("a.mp3", "libmp3lame", 44_100),
        ("a.opus", "libopus", 48_000),
        ("a.m4a", "aac", 48_000),
        ("a.ogg", "", 44_100),
    ],
)
def test_compressed_sound_keeps_its_time_and_shape(tmp_path, name, codec, sample_rate):
    y = speechlike(1.0, sample_rate=sample_rate)[:, None]
    if codec:
        encode(tmp_path / name, y, sample_rate, codec)
    else:
        soundfile.write(tmp_path / name, y, sample_rate)
    file = open_sound(tmp_path / name)
    got = np.concatenate(list(file.blocks()))[:, 0]
    assert file.notes == []
    assert abs(len(got) - len(y)) <= 0.05 * sample_rate
    # The encoder's own delay (hundreds of samples) is taken off: the two line up to the sample.
    middle = slice(sample_rate // 4, 3 * sample_rate // 4)
    shifts = range(-1500, 1500)
    like = [float(np.dot(got[middle.start + k : middle.stop + k], y[middle, 0])) for k in shifts]
    assert abs(shifts[int(np.argmax(like))]) <= 1
    assert np.corrcoef(got[middle], y[middle, 0])[0, 1] > 0.98


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_the_sound_track_of_a_video(tmp_path, name):
    y = tone(0.8, 48_000, 2)
    file = open_sound(encode(tmp_path / name, y, 48_000, "aac", picture=True))
    assert (file.sample_rate, file.channels) == (48_000, 2)
    assert sum(map(len, file.blocks())) == pytest.approx(len(y), abs=2048)


def test_eight_channels_at_96_khz(tmp_path):
    path = tmp_path / "many.wav"
    y = tone(0.3, 96_000, 8)
    soundfile.write(path, y, 96_000, subtype="PCM_24")
    sound = read_sound(path)
    assert (sound.sample_rate, sound.samples.shape) == (96_000, y.shape)
    np.testing.assert_allclose(sound.mono(), y.mean(axis=1), atol=1e-6)


def test_float_values_beyond_full_scale_pass(tmp_path):
    soundfile.write(tmp_path / "loud.wav", np.array([0.0, 3.5, -2.0], np.float32), 8000, subtype="FLOAT")
    assert read_sound(tmp_path / "loud.wav").samples[:, 0].tolist() == [0.0, 3.5, -2.0]


@pytest.mark.parametrize("block_s", [0.01, 0.25, 60.0])
def test_blocks_are_even_and_join_to_the_whole(tmp_path, block_s):
    soundfile.write(tmp_path / "a.flac", speechlike(1.3), 16_000)
    blocks = list(decode(tmp_path / "a.flac", block_s=block_s))
    assert {len(block.samples) for block in blocks[:-1]} <= {round(16_000 * block_s)}
    whole = read_sound(tmp_path / "a.flac")
    np.testing.assert_array_equal(np.concatenate([block.samples for block in blocks]), whole.samples)
    assert blocks[-1].start == Fraction(len(whole.samples) - len(blocks[-1].samples))


def test_blocks_may_be_read_again(tmp_path):
    soundfile.write(tmp_path / "a.wav", speechlike(0.2), 16_000)
    file = open_sound(tmp_path / "a.wav")
    assert file.duration_s == pytest.approx(0.2)
    first, second = (np.concatenate(list(file.blocks())) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_spaces_colons_and_chinese_characters_in_the_path(tmp_path):
    path = tmp_path / "我的 录音" / "http:第一 句.wav"
    path.parent.mkdir()
    soundfile.write(str(path), speechlike(0.1), 16_000)
    assert len(read_sound(path).samples) == 1600


def fails(path: Path, expected: str) -> None:
    with pytest.raises(AudioError) as raised:
        read_sound(path)
    assert "\n" not in str(raised.value)
    assert str(raised.value) == expected


def test_missing_file(tmp_path):
    path = tmp_path / "no.wav"
    fails(path, f"'{path}' does not exist; expected a sound or video file; check the path")


def test_directory(tmp_path):
    fails(tmp_path, f"'{tmp_path}' is a directory; expected a sound or video file; name a file in it")


def test_pipe(tmp_path):
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    fails(path, f"'{path}' is a device or a pipe; expected a sound or video file; save it to a file first")


def test_empty_file(tmp_path):
    path = tmp_path / "empty.wav"
    path.touch()
    fails(path, f"'{path}' is empty (0 bytes); expected a sound or video file; record or copy it again")


def test_no_permission(tmp_path):
    path = tmp_path / "locked.wav"
    soundfile.write(path, speechlike(0.1), 16_000)
    with patch.object(Path, "open", side_effect=PermissionError(13, "Permission denied")):
        fails(
            path,
            f"'{path}' cannot be read (Permission denied); expected a readable file; check its permissions",
        )


@pytest.mark.parametrize(
    "content", [b"these are words, not samples\n" * 20, b"x", b"RIFF", b"RIFF\x24\0\0\0WAVEfmt ", bytes(5000)]
)
@pytest.mark.parametrize("name", ["text.wav", "text.mp3", "text.mp4"])
def test_what_is_no_sound(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(
        AudioError, match=r"no sound or video|no sound track|no samples|cannot decode"
    ) as raised:
        read_sound(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_text_named_wav_says_what_was_expected(tmp_path):
    path = tmp_path / "text.wav"
    path.write_bytes(b"these are words, not samples\n" * 20)
    fails(
        path,
        f"'{path}' is no sound or video that FFmpeg knows (invalid data found when processing input); "
        "expected WAV, FLAC, MP3, Ogg, M4A, MP4 or the like; check the file",
    )


def test_video_without_sound(tmp_path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=25)
        video.width = video.height = 32
        out.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        out.mux(video.encode(None))
    with pytest.raises(AudioError, match=r"has no sound track .* with video.*choose a file with sound"):
        read_sound(path)


def test_a_playlist_opens_no_other_address(tmp_path):
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(AudioError):
        read_sound(path)


def test_wav_without_samples(tmp_path):
    path = tmp_path / "zero.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
    fails(path, f"'{path}' holds a sound track with no samples in it; expected at least one; record it again")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_counted(tmp_path, bad):
    y = speechlike(3.0)
    y[[8_000, 40_000, 40_001]] = bad
    path = tmp_path / "bad.wav"
    soundfile.write(path, y, 16_000, subtype="FLOAT")
    fails(
        path,
        f"'{path}': 3 samples are not finite (NaN or infinite), the first at 0.500 s; "
        "expected numbers; export the sound again, or replace them by zeros",
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "ogg", "m4a"])
@pytest.mark.parametrize("share", [0.35, 0.5, 0.8])
def test_a_cut_file_works_up_to_the_cut_and_says_so(tmp_path, kind, share):
    whole, cut = tmp_path / f"whole.{kind}", tmp_path / f"cut.{kind}"
    y = speechlike(6.0)
    if kind == "m4a":
        with av.open(str(whole), "w", format="mp4", options={"movflags": "faststart"}) as out:
            stream: Any = out.add_stream("aac", rate=16_000)
            stream.layout = "mono"
            frame = av.AudioFrame.from_ndarray(y[None], format="fltp", layout="mono")
            frame.sample_rate = 16_000
            for piece in av.AudioResampler("fltp", "mono", 16_000, frame_size=1024).resample(frame):
                out.mux(stream.encode(piece))
            out.mux(stream.encode(None))
    else:
        soundfile.write(whole, y, 16_000)
    data = whole.read_bytes()
    cut.write_bytes(data[: round(len(data) * share) + 37])
    file = open_sound(cut)
    got = sum(map(len, file.blocks())) / 16_000
    assert 0.3 * 6 * share < got < 6 * min(share + 0.2, 0.99)
    assert file.is_truncated
    assert any("cut off" in note for note in file.notes)
    assert not open_sound(whole).notes


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "ogg"])
def test_a_whole_file_is_not_called_cut(tmp_path, kind):
    path = tmp_path / f"whole.{kind}"
    soundfile.write(path, speechlike(2.7), 16_000)
    file = open_sound(path)
    list(file.blocks())
    assert file.notes == []
    assert not file.is_truncated


def test_damage_in_the_middle_is_noted(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, speechlike(4.0), 16_000)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    path.write_bytes(data)
    file = open_sound(path)
    assert sum(map(len, file.blocks())) > 16_000
    assert file.notes
