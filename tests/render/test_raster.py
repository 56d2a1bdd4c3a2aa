"""The rasteriser against a plain one, and what must hold for every picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rhapsode.avatars import Avatar, Material, Morph, Node, Primitive
from rhapsode.render import Camera, Renderer
from rhapsode.render.picture import tone_curve
from rhapsode.render.renderer import Quality
from rhapsode.render.textures import linear_of, pack_textures
from tests.render import plain

SIZE = (96, 80)
CAMERA = Camera(np.array([0.0, 0.0, 2.0]), np.zeros(3), 40.0)


def soup(
    points: np.ndarray,
    triangles: np.ndarray,
    materials: list[Material],
    of: list[int],
    uv: np.ndarray | None = None,
) -> Avatar:
    """Return an avatar of loose triangles, one primitive per material."""
    zero, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    node = Node("root", -1, zero, np.array([0, 0, 0, 1], np.float32), one)
    count = len(points)
    parts = [
        Primitive(
            "soup",
            0,
            points.astype(np.float32),
            np.tile(np.array([0, 0, 1], np.float32), (count, 1)),
            np.zeros((count, 2), np.float32) if uv is None else uv.astype(np.float32),
            np.ones((count, 4), np.float32),
            np.ascontiguousarray(triangles[np.array(of) == row], np.int32),
            np.zeros((count, 4), np.int32),
            np.zeros((count, 4), np.float32),
            {"jawOpen": Morph(np.zeros(0, np.int32), np.zeros((0, 3), np.float32))},
            row,
            -1,
        )
        for row in range(len(materials))
    ]
    return Avatar("soup", (node,), tuple(parts), tuple(materials), (), {}, {}, {}, {}, {}, {}, "")


def unlit(colour: tuple[float, float, float], alpha: float = 1.0, **more: object) -> Material:
    mode = "OPAQUE" if alpha == 1.0 else "BLEND"
    factor = np.array([*colour, alpha], np.float32)
    return Material("m", factor, alpha_mode=mode, double_sided=True, shading="unlit", **more)  # type: ignore[arg-type]


def shown(light: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Return straight-alpha RGBA 0 to 255 of premultiplied linear light."""
    tone = tone_curve()
    root = np.sqrt(light / np.maximum(cover, 1e-9)[..., None])
    colour = np.interp(root, np.linspace(0, 2, len(tone)), tone)
    return np.concatenate([np.where(cover[..., None] > 0, colour, 0), cover[..., None] * 255], axis=2)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("quality", ["fine", "live"])
def test_matches_the_plain_renderer(seed: int, transparent: bool, quality: Quality) -> None:
    rng = np.random.default_rng(seed)
    count = 12
    points = rng.uniform(-0.6, 0.6, (count * 3, 3))
    if transparent:  # no crossings: each triangle at its own depth
        points[:, 2] = np.repeat(np.linspace(-0.5, 0.5, count), 3)
    triangles = np.arange(count * 3).reshape(-1, 3)
    alphas = np.where(np.arange(count) % 2 == 0, 1.0, 0.4) if transparent else np.ones(count)
    colours = rng.uniform(0.05, 0.55, (count, 3))
    materials = [unlit(tuple(c), a) for c, a in zip(colours, alphas, strict=True)]
    renderer = Renderer(
        soup(points, triangles, materials, list(range(count))),
        size=SIZE,
        camera=CAMERA,
        background=None,
        threads=1,
        quality=quality,
    )
    fast = renderer.draw({}).astype(float)
    order = np.concatenate([np.flatnonzero(alphas == 1), np.flatnonzero(alphas < 1)])
    light, cover = plain.draw(
        points, triangles[order], colours[order], alphas[order], renderer._projection, SIZE
    )
    slow = shown(light, cover)
    close = np.abs(fast - slow).max(axis=2) <= 2
    # Measured worst case: 5 of 7680 pixels, where an edge passes within rounding of a sample, or where
    # transparency lies over an edge (one blend per pixel instead of one per sample).
    assert close.mean() > (0.985 if transparent else 0.999)


def test_neighbours_leave_no_gap_and_share_no_sample() -> None:
    rng = np.random.default_rng(2)
    ring = np.linspace(0, 2 * np.pi, 17)[:-1] + rng.uniform(0, 0.2, 16)
    points = np.concatenate(
        [[[0.013, 0.027, 0]], np.stack([0.6 * np.cos(ring), 0.6 * np.sin(ring), 0 * ring], 1)]
    )
    triangles = np.array([[0, 1 + n, 1 + (n + 1) % 16] for n in range(16)])
    half = unlit((0.3, 0.3, 0.3), 0.5)
    picture = Renderer(
        soup(points, triangles, [half], [0] * 16), size=SIZE, camera=CAMERA, background=None, threads=1
    ).draw({})
    alpha = picture[..., 3]
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    inside = np.hypot(x - 48, y - 40) < 20
    # A gap would show as 0 to 96, a sample drawn twice as 191.
    assert set(np.unique(alpha[inside])) <= {127, 128}


def test_mask_makes_holes_and_blend_shows_what_is_behind() -> None:
    quad = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    points = np.concatenate([quad + np.array([0, 0, 0.2]), quad])
    triangles = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    uv = np.array([[0, 1], [1, 1], [1, 0], [0, 0]] * 2, float)
    holes = np.full((64, 64, 4), 255, np.uint8)
    holes[:, :32, 3] = 0
    front = Material(
        "front", np.array([0, 1, 0, 1], np.float32), holes, "MASK", 0.5, shading="unlit", wrap=(False, False)
    )
    picture = Renderer(
        soup(points, triangles, [front, unlit((1, 0, 0))], [0, 0, 1, 1], uv),
        size=SIZE,
        camera=CAMERA,
        background=None,
        threads=1,
    ).draw({})
    assert picture[40, 38, 0] > 200
    assert picture[40, 38, 1] == 0
    assert picture[40, 58, 1] > 200
    assert picture[40, 58, 0] == 0


def test_back_faces_are_seen_only_where_the_material_has_two_sides() -> None:
    points = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0, 0.5, 0]])
    for winding, sides, seen in (
        ([0, 1, 2], False, True),
        ([0, 2, 1], False, False),
        ([0, 2, 1], True, True),
    ):
        material = Material("m", np.ones(4, np.float32), double_sided=sides, shading="unlit")
        avatar = soup(points, np.array([winding]), [material], [0])
        picture = Renderer(avatar, size=SIZE, camera=CAMERA, background=None, threads=1).draw({})
        assert bool(picture[..., 3].any()) is seen


def test_texture_is_perspective_correct_and_upright() -> None:
    """A chessboard that leans away: its middle lies where projection says, not half-way down the picture."""
    points = np.array([[-0.6, -0.6, 0.6], [0.6, -0.6, 0.6], [0.6, 0.6, -0.8], [-0.6, 0.6, -0.8]])
    uv = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], float)
    board = np.zeros((64, 64, 4), np.uint8)
    board[..., 3] = 255
    board[:32, :, 0] = 255
    board[32:, :, 2] = 255
    material = Material("m", np.ones(4, np.float32), board, shading="unlit", wrap=(False, False))
    renderer = Renderer(
        soup(points, np.array([[0, 1, 2], [0, 2, 3]]), [material], [0, 0], uv),
        size=SIZE,
        camera=CAMERA,
        background=None,
        threads=1,
    )
    column = renderer.draw({})[:, 48]
    border = plain.project(points.mean(axis=0)[None], renderer._projection)[0][0, 1]
    red = np.flatnonzero((column[:, 0] > column[:, 2]) & (column[:, 3] == 255))
    blue = np.flatnonzero((column[:, 2] > column[:, 0]) & (column[:, 3] == 255))
    assert red.max() < blue.min()
    assert abs(red.max() + 1 - border) < 1.5


def test_minified_textures_average_in_linear_light() -> None:
    stripes = np.zeros((256, 256, 4), np.uint8)
    stripes[..., 3] = 255
    stripes[:, ::2, :3] = 255
    points = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    uv = np.array([[0, 4], [4, 4], [4, 0], [0, 0]], float)
    material = Material("m", np.ones(4, np.float32), stripes, shading="unlit")
    avatar = soup(points, np.array([[0, 1, 2], [0, 2, 3]]), [material], [0, 0], uv)
    picture = Renderer(avatar, size=SIZE, camera=CAMERA, background=None, threads=1).draw({})
    middle = picture[30:50, 38:58, 0].astype(float)
    # Half of full light is 188 in sRGB; averaging the stored numbers would give 128.
    assert abs(middle.mean() - 188) < 3
    assert middle.std() < 3


def test_packed_textures_decode_to_linear_light() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (4, 1, 4))
    packed = pack_textures([ramp])
    first, width, height = packed.levels[0, 0]
    decoded = (packed.texels[first : first + width * height, 0].reshape(height, width) / 255) ** 2
    assert np.abs(decoded[0] - linear_of(np.arange(256.0))).max() < 0.004


def test_straight_alpha_over_a_colour_equals_drawing_over_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    points = rng.uniform(-0.5, 0.5, (30, 3))
    avatar = soup(points, np.arange(30).reshape(-1, 3), [unlit((0.5, 0.2, 0.1), 0.6)], [0] * 10)
    free = (
        Renderer(avatar, size=SIZE, camera=CAMERA, background="transparent", threads=1).draw({}).astype(float)
    )
    laid = Renderer(avatar, size=SIZE, camera=CAMERA, background="#204060", threads=1).draw({}).astype(float)
    alpha = free[..., 3:] / 255
    expected = free[..., :3] * alpha + np.array([0x20, 0x40, 0x60]) * (1 - alpha)
    assert np.abs(expected - laid[..., :3]).max() <= 2
    assert (laid[..., 3] == 255).all()
