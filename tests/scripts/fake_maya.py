"""A small stand-in for Maya: scenes of blendShape nodes, and the commands that the exporter calls.

Weights are evaluated when the current time is set, as Maya does for what is driven by other rigs: reading
a weight without going to its frame gives the value of another time, and a test sees it. A command or a
flag that is not here raises, as Maya does.
"""

# ruff: noqa: N802

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

Weight = Callable[[float], float]


class Scene:
    """What `maya.cmds` shows.

    Args:
        fps_unit: Maya's name of the frame rate.
        batch: whether Maya runs without windows.

    """

    def __init__(self, *, fps_unit: str = "film", batch: bool = False) -> None:
        self.unit, self.batch = fps_unit, batch
        self.weights: dict[str, dict[int, Weight]] = {}
        self.aliases: dict[str, list[str]] = {}
        self.meshes: dict[str, list[str]] = {}
        self.audio: dict[str, tuple[str, float]] = {}
        self.slider_sound = ""
        self.selection: list[str] = []
        self.range = (1.0, 24.0)
        self.time = 7.0
        self.undo, self.suspended = True, False
        self.name = "D:/show/face.mb"
        self.visited: list[float] = []
        self.dialogs: list[str] = []
        self.folder_chosen: list[str] | None = None
        self.answer = "Replace"
        self.progress: dict[str, int] | None = None
        self.cancel_at: int | None = None
        self._evaluated: dict[str, float] = {}

    def blend_shape(self, node: str, weights: dict[str, Weight], *, unnamed: Sequence[int] = ()) -> None:
        """Add a node; weight 0, 2, 4, ... have the names, as in scenes whose targets were deleted."""
        self.weights[node] = {2 * k: weight for k, weight in enumerate(weights.values())}
        self.aliases[node] = ["envelopeAlias", "envelope"]
        for k, name in enumerate(weights):
            if 2 * k not in unnamed:
                self.aliases[node] += [name, f"weight[{2 * k}]"]
        self._evaluate()

    def _evaluate(self) -> None:
        self._evaluated = {
            f"{node}.weight[{k}]": weight(self.time)
            for node, weights in self.weights.items()
            for k, weight in weights.items()
        }

    def about(self, *, batch: bool = False, version: bool = False) -> Any:
        return self.batch if batch else "2026" if version else None

    def ls(
        self, nodes: Any = None, *, selection: bool = False, long: bool = False, type: str = ""
    ) -> list[str]:
        if selection:
            return list(self.selection)
        found = {"blendShape": list(self.weights), "audio": list(self.audio)}[type]
        return found if nodes is None else [node for node in nodes if node in found]

    def objExists(self, node: str) -> bool:
        return node in self.weights or node in self.meshes

    def nodeType(self, node: str) -> str:
        return "blendShape" if node in self.weights else "transform"

    def listHistory(self, node: str, *, pruneDagObjects: bool) -> list[str] | None:
        assert pruneDagObjects, "the history of other meshes is none of this mesh"
        return [*self.meshes[node], "skinCluster1"] if self.meshes[node] else None

    def aliasAttr(self, node: str, *, query: bool) -> list[str] | None:
        assert query
        return self.aliases[node] or None

    def getAttr(self, plug: str, *, multiIndices: bool = False) -> Any:
        node, attribute = plug.split(".", 1)
        if multiIndices:
            assert attribute == "weight"
            return sorted(self.weights[node]) or None
        if node in self.audio:
            return self.audio[node][("filename", "offset").index(attribute)]
        return self._evaluated[plug]

    def playbackOptions(self, *, query: bool, minTime: bool = False, maxTime: bool = False) -> float:
        assert query
        assert minTime != maxTime
        return self.range[0] if minTime else self.range[1]

    def currentUnit(self, *, query: bool, time: bool) -> str:
        assert query
        assert time
        return self.unit

    def currentTime(
        self, value: float | None = None, *, query: bool = False, edit: bool = False, update: bool = True
    ) -> float:
        if not query:
            assert edit
            assert value is not None
            assert self.undo is False, "every frame would go into the undo queue"
            self.time = value
            self.visited.append(value)
            if update:
                self._evaluate()
        return self.time

    def undoInfo(
        self, *, query: bool = False, state: bool = False, stateWithoutFlush: bool | None = None
    ) -> bool:
        if not query:
            assert stateWithoutFlush is not None, "changing the state flushes the user's undo queue"
            self.undo = stateWithoutFlush
        return self.undo

    def refresh(self, *, suspend: bool) -> None:
        assert not self.batch
        self.suspended = suspend

    def file(
        self,
        name: str = "",
        *,
        query: bool = False,
        sceneName: bool = False,
        open: bool = False,
        force: bool = False,
    ) -> str:
        if open:
            if not name.endswith((".ma", ".mb")):
                raise RuntimeError(f"File not found: {name}")
            self.name = name
        return self.name

    def lsUI(self, *, type: str) -> list[str]:
        assert type == "timeControl"
        return ["timeControl1"]

    def timeControl(self, name: str, *, query: bool, sound: bool) -> str:
        assert query
        assert sound
        return self.slider_sound

    def progressWindow(
        self,
        *,
        query: bool = False,
        edit: bool = False,
        isCancelled: bool = False,
        endProgress: bool = False,
        step: int = 0,
        **made: Any,
    ) -> bool | None:
        assert not self.batch
        if endProgress:
            self.progress = None
        elif query:
            assert self.progress is not None
            assert isCancelled
            return self.progress["at"] == self.cancel_at
        elif edit:
            assert self.progress is not None
            self.progress["at"] += step
        else:
            assert made["isInterruptable"]
            self.progress = {"at": 0, "of": made["maxValue"]}
        return None

    def fileDialog2(self, *, fileMode: int, caption: str, okCaption: str) -> list[str] | None:
        assert fileMode == 3
        return self.folder_chosen

    def confirmDialog(self, *, title: str, message: str, button: list[str], **_: Any) -> str:
        self.dialogs.append(message)
        return self.answer if self.answer in button else button[0]


def install(scene: Scene, monkeypatch: Any) -> None:
    """Let ``import maya.cmds`` find ``scene``."""
    package = ModuleType("maya")
    standalone = SimpleNamespace(initialize=lambda name: None, uninitialize=lambda: None)
    monkeypatch.setitem(sys.modules, "maya", package)
    monkeypatch.setitem(sys.modules, "maya.cmds", scene)
    monkeypatch.setitem(sys.modules, "maya.standalone", standalone)
