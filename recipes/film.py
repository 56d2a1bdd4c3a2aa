"""Make the demonstration film and its poster: seven languages, noise, a telephone, two emotions.

    python -m recipes.film CORPUS --data DATA -o docs/film.mp4 --poster docs/pictures/film.jpg

CORPUS is what recipes/corpus makes, DATA where its natural recordings lie. Every line is of the test split:
no training heard its voice or its text. The face hears what the viewer hears, through the engine `live`.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from recipes.film_file import Film
from recipes.film_lines import AIR_S, Part, find, lay
from recipes.film_titles import Caption, UInt8, card, opacity, poster, write

from rhapsode.avatars import Avatar, load
from rhapsode.evaluate.conditions import in_noise, telephone
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import Timeline
from rhapsode.face.life import breathing
from rhapsode.perform import animate
from rhapsode.performance import CLOCK_HZ, Curves, Float32, Sound
from rhapsode.render import Renderer
from rhapsode.render.camera import Camera, framing, measure
from rhapsode.rigs import FACE
from rhapsode.train.spoken import utterances
from rhapsode.train.teacher.corpus import Utterance

BEFORE_S = 1.0
"""The face lives this long before it is first shown."""

NEARER, LOWERED = 1.24, 0.095
"""How much closer than "face" the camera comes, and how far it looks down, for the caption under the chin, as
a share of the picture's height."""

CARD_S, DISSOLVE_S = 3.2, 0.4
LARGEST = 5_000_000

GROUNDS = {
    "mira": "#e4e2dc..#b9b3a8",
    "teo": "#dce2e6..#a7b3bd",
    "noor": "#e6dfd8..#bfae9f",
    "kofi": "#dfe5df..#aab6aa",
}
"""What stands behind each avatar."""


@dataclass(frozen=True)
class Shot:
    """Lines that one avatar says without a cut."""

    avatar: str
    parts: tuple[Part, ...]
    seed: int


def _noisy(y: Float32) -> Float32:
    return in_noise(y, 10.0)


_TAP = "Grab the club, hop up, jump down, and tap the drum."
_LAUGHED = "She laughed so hard that she had to hold on to the railing."
_TEARS = "She opened the envelope, read the first line, and burst into tears."
_MILLER = "Once upon a time, a poor miller lived beside a mighty river."
_OWL = "Por la noche, el búho vuela sobre el bosque y el puente."
_PEACH = "桃が、どんぶらこ、どんぶらこと、川を流れてきました。"
_CLOCK = "मैंने सुबह छह बजे का अलार्म लगा दिया है। बाबा के बाग में पाँच बड़े पेड़ हैं।"
_BEES = "蜜蜂每天飞几百里，采回一点点花蜜。 不要跑！前面很滑，扶着我的胳膊。"
_BEACH = "Bruno e Paula moram perto da praia de Ipanema. Um pequeno jabuti xereta viu dez cegonhas felizes."
_LEAVES = (
    "Il vento favorevole faceva volare via le foglie. Il bambino beve un bicchiere pieno di bibita al limone."
)
_NEW = "a voice and a language that no training heard"

FILM = (
    Shot("mira", (Part("bf_isabella", _MILLER, "English"),), seed=3),
    Shot("kofi", (Part("em_alex", _OWL, "Español (Spanish)"),), seed=5),
    Shot("noor", (Part("jf_tebukuro", _PEACH, "Nihongo (Japanese)"),), seed=2),
    Shot("teo", (Part("hm_psi", _CLOCK, "Hindi"),), seed=4),
    Shot("mira", (Part("zf_xiaoyi", _BEES, "Putonghua (Mandarin)"),), seed=8),
    Shot("kofi", (Part("pm_alex", _BEACH, "Português (Portuguese)"),), seed=6),
    Shot("noor", (Part("if_sara", _LEAVES, "Italiano (Italian)", _NEW),), seed=7),
    Shot(
        "teo",
        (
            Part("am_michael", _TAP, "English", "as recorded"),
            Part("am_michael", _TAP, "10 dB of noise", "the same line", _noisy),
            Part("am_michael", _TAP, "Over a telephone", "the same line", telephone),
        ),
        seed=9,
    ),
    Shot(
        "mira",
        (
            Part("bf_isabella", _LAUGHED, "Joy", 'emotion="joy:0.9"', emotion="joy:0.9"),
            Part("bf_isabella", _TEARS, "Sadness", 'emotion="sadness:0.9"', emotion="sadness:0.9"),
        ),
        seed=10,
    ),
)


def played(y: Float32, shot: Shot, captions: Sequence[Caption], fps: int, weights: str) -> Curves:
    """Return the face of a shot at ``fps``, without what went before it."""
    felt = [
        (max(caption.start_s + BEFORE_S - AIR_S, 0.0) if k else 0.0, part.emotion)
        for k, (part, caption) in enumerate(zip(shot.parts, captions, strict=True))
    ]
    direction = Direction(weights=weights, seed=shot.seed, emotion=Timeline(felt))
    before = np.zeros(round(BEFORE_S * CLOCK_HZ), np.float32)
    take = animate(Sound(np.concatenate([before, y]), CLOCK_HZ), direction=direction)
    face = take.face.select(FACE.channels, fill=0.0).resample(fps).frames(round(BEFORE_S * fps))
    return face.frames(0, round(len(y) / CLOCK_HZ * fps))


def close_up(avatar: Avatar, size: tuple[int, int]) -> Camera:
    """Return the camera "face", nearer, and lowered for a caption."""
    base = framing(measure(avatar), "face", *size).orbited(0, zoom=NEARER)
    far = float(np.linalg.norm(base.position - base.target))
    down = np.array([0.0, 2 * far * math.tan(math.radians(base.fov_deg) / 2) * LOWERED, 0.0])
    return Camera(base.position - down, base.target - down, base.fov_deg)


def _renderer(name: str, size: tuple[int, int]) -> Renderer:
    avatar = load(name)
    return Renderer(avatar, size=size, camera=close_up(avatar, size), background=GROUNDS[name])


def drawn(renderer: Renderer, face: Curves, captions: Sequence[Caption], seed: int) -> Iterator[UInt8]:
    """Yield the video frames of a shot, (H, W, 3) uint8."""
    for k, row in enumerate(face.values):
        time_s = float(k / face.rate)
        picture = renderer.draw(row, breath=float(breathing(time_s, seed)))
        for caption in captions:
            write(picture, caption, opacity(caption, time_s))
        yield picture[..., :3]


def best_frame(face: Curves) -> int:
    """Return the video frame in which the mouth is widest open while the eyes look out."""
    score = face["jawOpen"] - face["eyeBlinkLeft"]
    score[: round(float(face.rate))] -= 1
    score[len(score) - round(float(face.rate) / 2) :] -= 1
    return int(np.argmax(score))


def make(
    told: Sequence[Utterance],
    shots: Sequence[Shot],
    to: Path,
    *,
    size: tuple[int, int],
    fps: int,
    weights: str = "live",
) -> tuple[float, int, dict[str, UInt8]]:
    """Make the film.

    Args:
        told: what may be said.
        shots: what is to be said.
        to: an .mp4 file, replaced.
        size: of the picture, pixels.
        fps: video frames a second.
        weights: the engine, see `Direction`.

    Returns:
        its seconds, its bytes, and of each avatar one picture in mid-speech.

    """
    laid = [lay(shot.parts, [find(told, part) for part in shot.parts], fps) for shot in shots]
    faces = [played(y, shot, captions, fps, weights) for shot, (y, captions) in zip(shots, laid, strict=True)]
    renderers = {shot.avatar: _renderer(shot.avatar, size) for shot in shots}
    speaking: dict[str, UInt8] = {}
    resting: dict[str, UInt8] = {}
    last = np.zeros((size[1], size[0], 3), np.uint8)
    with Film(to, size, fps) as film:
        for shot, (y, captions), face in zip(shots, laid, faces, strict=True):
            film.hear(y, len(face))
            best = best_frame(face)
            for k, picture in enumerate(drawn(renderers[shot.avatar], face, captions, shot.seed)):
                if k == 0:
                    resting.setdefault(shot.avatar, picture.copy())
                if k == best:
                    speaking.setdefault(shot.avatar, picture.copy())
                film.show(picture)
                last = picture.copy()
            print(
                f"{film.shown / fps:6.1f} s  {shot.avatar:5} {captions[0].title}", file=sys.stderr, flush=True
            )
        end, count = card(list(resting.values()), size).astype(np.float32), round(CARD_S * fps)
        film.hear(np.zeros(0, np.float32), count)
        for k in range(count):
            share = min((k + 1) / (DISSOLVE_S * fps), 1.0)
            film.show(np.round(last * (1 - share) + end * share).astype(np.uint8))
    for renderer in renderers.values():
        renderer.close()
    return film.shown / fps, to.stat().st_size, speaking


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of the natural recordings")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the film, .mp4")
    parser.add_argument("--poster", type=Path, help="a picture that links to the film, .jpg")
    parser.add_argument("--weights", default="live", help="the engine")
    parser.add_argument(
        "--fast", action="store_true", help="a small one with 10 pictures a second, to look at"
    )
    options = parser.parse_args()
    edge, fps = (320, 10) if options.fast else (640, 30)
    told = [u for _, u in utterances(options.corpus, options.data, split="test")]
    seconds, count, speaking = make(
        told, FILM, options.out, size=(edge, edge), fps=fps, weights=options.weights
    )
    if options.poster:
        poster(list(speaking.values()), 320).save(options.poster, quality=86)
    print(f"{options.out}: {seconds:.1f} s, {count / 1e6:.2f} MB", file=sys.stderr)
    if count > LARGEST:
        raise SystemExit(f"the film is {count} bytes, expected at most {LARGEST}; lower VIDEO_RATE")


if __name__ == "__main__":
    main()
