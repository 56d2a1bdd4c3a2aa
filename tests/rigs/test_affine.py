"""Linear expressions: what is read, what is refused, what comes out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.errors import RigError
from rhapsode.rigs import ARKIT, FACE
from rhapsode.rigs.affine import Linear, linear_map, parse_linear


@pytest.mark.parametrize(
    ("text", "gains", "constant"),
    [
        ("jawOpen", {"jawOpen": 1.0}, 0.0),
        ("jawOpen*1.4 - mouthClose", {"jawOpen": 1.4, "mouthClose": -1.0}, 0.0),
        (" 2 * jawOpen+.5*jawOpen -1e-1 ", {"jawOpen": 2.5}, -0.1),
        ("-jawOpen", {"jawOpen": -1.0}, 0.0),
        ("1 - eyeBlinkLeft", {"eyeBlinkLeft": -1.0}, 1.0),
    ],
)
def test_sums_are_read(text: str, gains: dict[str, float], constant: float) -> None:
    assert parse_linear(text) == Linear(gains, constant)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a b",
        "a*b",
        "2*3",
        "a+",
        "+",
        "(a)",
        "a--b",
        "a**2",
        "__import__('os')",
        "1e999*a",
        "a" * 3000,
    ],
)
def test_anything_else_is_refused_with_the_place(text: str) -> None:
    with pytest.raises(RigError, match="an expression"):
        parse_linear(text)


@given(st.text("ab12.*+- e", max_size=30))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        read = parse_linear(text)
    except RigError:
        return
    assert np.isfinite([read.constant, *read.gains.values()]).all()


def test_a_map_clips_to_ranges_and_keeps_the_rest() -> None:
    made = linear_map(
        FACE,
        ARKIT,
        {"jawOpen": "2*jawOpen + 0.1", "mouthLeft": "headYaw"},
        ranges={"jawOpen": (0, 1)},
        rest={"mouthRight": 0.25},
    )
    values = np.zeros((3, 61), np.float32)
    values[:, FACE.index("jawOpen")] = [0, 0.2, 0.9]
    values[:, FACE.index("headYaw")] = [-2, 0, 3]
    out = made.apply(values)
    np.testing.assert_allclose(out[:, ARKIT.index("jawOpen")], [0.1, 0.5, 1.0], atol=1e-6)
    np.testing.assert_allclose(out[:, ARKIT.index("mouthLeft")], [-2, 0, 3])
    assert (out[:, ARKIT.index("mouthRight")] == 0.25).all()
    with pytest.raises(RigError, match=r"needs values of shape \(T, 61\)"):
        made.apply(values[:, :52])


def test_unknown_names_are_named() -> None:
    with pytest.raises(RigError, match="no channel 'jawOpn'; nearest: jawOpen"):
        linear_map(FACE, ARKIT, {"jawOpen": "jawOpn"})
    with pytest.raises(RigError, match="no channel 'JawOpen'"):
        linear_map(FACE, ARKIT, {"JawOpen": "jawOpen"})


def test_span_knows_what_can_come_out() -> None:
    assert parse_linear("2*jawOpen - mouthClose + 1").span(FACE) == (0.0, 3.0)
    np.testing.assert_allclose(parse_linear("57.29578*headYaw").span(FACE), (-30, 30), atol=1e-4)
