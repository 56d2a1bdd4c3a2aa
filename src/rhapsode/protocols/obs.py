"""What is said to OBS Studio (obs-websocket 5) so that it shows the stage as a browser source.

An address in a browser source is enough to show the stage; this only adds it for the user. The connection is
simpleobsws' affair: ``simpleobsws.Request(*request)`` takes a request of this module.

    source = BrowserSource("http://127.0.0.1:8750")
    scene = scene_of(...)                      the answer to CURRENT_SCENE
    inputs = names_of(...)                     the answer to INPUTS
    items = names_of(...)                      the answer to scene_items(scene)
    for request in source.requests(scene, inputs=inputs, items=items): ...
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from rhapsode.errors import PacketError, SettingError
from rhapsode.protocols.json_reading import array, table, text

PORT = 4455
KIND = "browser_source"


class ObsRequest(NamedTuple):
    """A request of obs-websocket: its type and its data."""

    kind: str
    data: Mapping[str, Any]


CURRENT_SCENE = ObsRequest("GetCurrentProgramScene", {})
INPUTS = ObsRequest("GetInputList", {"inputKind": KIND})


def scene_items(scene: str) -> ObsRequest:
    """Return the request for what a scene shows."""
    return ObsRequest("GetSceneItemList", {"sceneName": scene})


def scene_of(answer: Mapping[str, Any]) -> str:
    """Return the name of the scene from the answer's data to `CURRENT_SCENE`.

    Raises:
        PacketError: the answer names none.

    """
    return text(answer.get("currentProgramSceneName", answer.get("sceneName")), "OBS's current scene")


def names_of(answer: Mapping[str, Any]) -> list[str]:
    """Return the names of inputs or of sources from the answer's data to `INPUTS` or `scene_items`.

    Raises:
        PacketError: the answer lists neither.

    """
    if "inputs" not in answer and "sceneItems" not in answer:
        raise PacketError(
            f"OBS's answer needs 'inputs' or 'sceneItems', got {', '.join(answer) or 'nothing'}"
        )
    key, name = ("inputs", "inputName") if "inputs" in answer else ("sceneItems", "sourceName")
    entries = array(answer[key], f"'{key}'")
    return [text(table(entry, f"an entry of '{key}'").get(name), f"'{name}'") for entry in entries]


def stage_url(url: str) -> str:
    """Return the address of the stage's view for OBS: the avatar alone, on transparency.

    Raises:
        SettingError: it is no address of a page.

    Example:
        >>> stage_url("http://127.0.0.1:8750/?avatar=mia")
        'http://127.0.0.1:8750/?avatar=mia&obs=1'

    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingError(f"the stage's address must begin with http:// or https://, got '{url[:80]}'")
    query = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key != "obs"]
    return urlunsplit(parts._replace(path=parts.path or "/", query=urlencode([*query, ("obs", "1")])))


@dataclass(frozen=True)
class BrowserSource:
    """The stage as a browser source.

    Args:
        url: address of the stage.
        name: of the source in OBS.
        width: pixels.
        height: pixels.
        fps: pictures a second; None takes OBS's own.
        sound: let OBS's mixer have the sound; otherwise the page plays it itself.

    Raises:
        SettingError: a value is not allowed.

    """

    url: str
    name: str = "Rhapsode"
    width: int = 1920
    height: int = 1080
    fps: int | None = None
    sound: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", stage_url(self.url))
        if not self.name.strip():
            raise SettingError("a source of OBS needs a name, got an empty one")
        if not (1 <= self.width <= 8192 and 1 <= self.height <= 8192):
            raise SettingError(f"a browser source needs 1 to 8192 pixels, got {self.width} x {self.height}")
        if self.fps is not None and not 1 <= self.fps <= 60:
            raise SettingError(f"a browser source needs 1 to 60 pictures a second, got {self.fps}")

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of OBS's browser source."""
        made: dict[str, Any] = {
            "url": self.url,
            "width": self.width,
            "height": self.height,
            "reroute_audio": self.sound,
            "shutdown": False,
            "restart_when_active": False,
            "fps_custom": self.fps is not None,
        }
        return made if self.fps is None else made | {"fps": self.fps}

    def requests(
        self, scene: str, *, inputs: Collection[str] = (), items: Collection[str] = ()
    ) -> list[ObsRequest]:
        """Return what adds the source to a scene, or brings it up to date there.

        Args:
            scene: where it is to be shown.
            inputs: names of the browser sources that OBS has.
            items: names of the sources that the scene shows.

        """
        shared = {"inputName": self.name, "inputSettings": self.settings}
        if self.name not in inputs:
            create = {"sceneName": scene, "inputKind": KIND, "sceneItemEnabled": True}
            return [ObsRequest("CreateInput", shared | create)]
        made = [ObsRequest("SetInputSettings", shared | {"overlay": True})]
        if self.name not in items:
            shown = {"sceneName": scene, "sourceName": self.name, "sceneItemEnabled": True}
            made.append(ObsRequest("CreateSceneItem", shown))
        return made
