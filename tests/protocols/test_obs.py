"""OBS: requests by hand, in each state that OBS may be in."""

from __future__ import annotations

from typing import Any

import pytest

from rhapsode.errors import PacketError, SettingError
from rhapsode.protocols.obs import BrowserSource, ObsRequest, names_of, scene_items, scene_of, stage_url

SETTINGS = {
    "url": "http://127.0.0.1:8750/?obs=1",
    "width": 1280,
    "height": 720,
    "reroute_audio": True,
    "shutdown": False,
    "restart_when_active": False,
    "fps_custom": True,
    "fps": 30,
}
SOURCE = BrowserSource("http://127.0.0.1:8750", width=1280, height=720, fps=30)


def test_a_new_source_is_created_in_the_scene() -> None:
    assert SOURCE.requests("Talk", inputs=["Chat"], items=["Camera"]) == [
        ObsRequest(
            "CreateInput",
            {
                "sceneName": "Talk",
                "inputName": "Rhapsode",
                "inputKind": "browser_source",
                "inputSettings": SETTINGS,
                "sceneItemEnabled": True,
            },
        )
    ]


def test_a_known_source_is_brought_up_to_date_and_shown_once() -> None:
    update = ObsRequest(
        "SetInputSettings", {"inputName": "Rhapsode", "inputSettings": SETTINGS, "overlay": True}
    )
    show = ObsRequest(
        "CreateSceneItem", {"sceneName": "Talk", "sourceName": "Rhapsode", "sceneItemEnabled": True}
    )
    assert SOURCE.requests("Talk", inputs=["Rhapsode"], items=["Rhapsode"]) == [update]
    assert SOURCE.requests("Talk", inputs=["Rhapsode"]) == [update, show]


def test_without_a_rate_obs_has_its_own() -> None:
    settings = BrowserSource("http://a/", sound=False).settings
    assert (settings["fps_custom"], settings["reroute_audio"]) == (False, False)
    assert "fps" not in settings


def test_requests_fit_the_client() -> None:
    simpleobsws = pytest.importorskip("simpleobsws", reason="simpleobsws is not installed")
    (request,) = SOURCE.requests("Talk")
    made = simpleobsws.Request(*request)
    assert (made.requestType, made.requestData["sceneName"]) == ("CreateInput", "Talk")


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("http://a:1", "http://a:1/?obs=1"),
        ("https://a/stage?x=1&obs=0#top", "https://a/stage?x=1&obs=1#top"),
        ("http://a/?token=a%2Bb", "http://a/?token=a%2Bb&obs=1"),
    ],
)
def test_the_address_shows_the_avatar_alone(url: str, made: str) -> None:
    assert stage_url(url) == made
    assert stage_url(made) == made


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "127.0.0.1:8750"}, "must begin with http:// or https://"),
        ({"url": "http://[a"}, "must begin with http:// or https://"),
        ({"name": " "}, "needs a name"),
        ({"width": 0}, "1 to 8192 pixels, got 0 x 1080"),
        ({"fps": 120}, "1 to 60 pictures a second, got 120"),
    ],
)
def test_settings_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        BrowserSource(**({"url": "http://a/"} | options))


def test_answers_are_read() -> None:
    assert scene_items("Talk") == ObsRequest("GetSceneItemList", {"sceneName": "Talk"})
    assert scene_of({"currentProgramSceneName": "Talk"}) == "Talk"
    assert scene_of({"sceneName": "Talk", "sceneUuid": "1"}) == "Talk"
    assert names_of({"inputs": [{"inputName": "Rhapsode", "inputKind": "browser_source"}]}) == ["Rhapsode"]
    assert names_of({"sceneItems": [{"sceneItemId": 1, "sourceName": "Camera"}]}) == ["Camera"]
    bad: list[dict[str, Any]] = [{}, {"inputs": 3}, {"inputs": [3]}, {"sceneItems": [{"sourceName": 3}]}]
    for answer in bad:
        with pytest.raises(PacketError):
            names_of(answer)
    with pytest.raises(PacketError, match="OBS's current scene needs a text"):
        scene_of({})
