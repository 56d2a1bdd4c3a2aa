"""What ``rhapsode evaluate`` does, apart from the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhapsode.errors import InputError, SettingError
from rhapsode.evaluate.conditions import CONDITIONS
from rhapsode.evaluate.faces import energy_mouth, measured_face
from rhapsode.evaluate.material import Material, material
from rhapsode.evaluate.operating import curve, recall_at
from rhapsode.evaluate.peers import PEERS, AbsentError, PeerFace
from rhapsode.evaluate.report import Measured, Plan, Progress, heard_as, report
from rhapsode.face.direction import Direction

QUICK = ("clean", "20_db")
"""Conditions of a quick run."""

QUICK_REST_S = 4.0


@dataclass(frozen=True)
class Request:
    """What is to be measured.

    Args:
        engines: names of shipped engines, or paths of manifests.
        data: folder with any of grid_*/, facegood/ and speech/.
        corpus: what recipes/corpus makes.
        conditions: names; none is all of them, or `QUICK`.
        raw: the engines alone, before shaping.
        style: of the engines' labels; needs ``raw``.
        quick: a fixed part of the material.
        peers: measure what others make, too; they are installed into the cache on first use.
        streams: measure how many streams two cores carry.
        operating: measure recall against false closure for other limits.

    """

    engines: Sequence[str] = ("live",)
    data: Path | None = None
    corpus: Path | None = None
    conditions: Sequence[str] = ()
    raw: bool = False
    style: str | None = None
    quick: bool = False
    peers: bool = False
    streams: bool = False
    operating: bool = False


def evaluate(request: Request, *, progress: Progress | None = None) -> dict[str, Any]:
    """Return every measure that is asked for, as one document.

    Args:
        request: what is to be measured.
        progress: called with what is being measured.

    Raises:
        InputError: a folder does not exist or holds nothing to measure on.
        SettingError: a condition or a style is unknown.
        WeightsError: an engine is unknown or damaged.

    """
    say = progress or (lambda _: None)
    names = _checked(request)
    titles = _titles(request)
    faces = [
        Measured(title, measured_face(name, raw=request.raw, style=request.style), Direction(weights=name))
        for title, name in titles.items()
    ]
    heard = material(request.data, request.corpus)
    heard = heard.some() if request.quick else heard
    plan = Plan(names, QUICK_REST_S if request.quick else 10.0, request.streams)
    others: list[PeerFace] = []
    absent: list[str] = []
    try:
        if request.peers:
            faces.append(Measured("energy mouth", energy_mouth))
            for peer in PEERS:
                say(f"{peer.package}: install")
                try:
                    others.append(PeerFace(peer))
                    faces.append(Measured(peer.package, others[-1]))
                except AbsentError as error:
                    absent.append(f"{peer.package} is left out: {error}")
        found = report(faces, heard, plan, progress=progress)
    finally:
        for other in others:
            other.close()
    if request.operating:
        found["operating"] = {
            title: _operating(name, heard, plan, request, say) for title, name in titles.items()
        }
    found["notes"] += absent
    asked = {"shaped": not request.raw, "style": request.style, "quick": request.quick}
    return {**asked, "conditions": list(names), **found}


def _checked(request: Request) -> tuple[str, ...]:
    """Return the conditions of a request that can be carried out."""
    chosen = tuple(request.conditions) or (QUICK if request.quick else CONDITIONS)
    data, corpus, style = request.data, request.corpus, request.style
    unknown = [name for name in chosen if name not in CONDITIONS]
    if unknown:
        raise SettingError(
            f"conditions must be of {', '.join(CONDITIONS)}, got {', '.join(unknown)}; give names with commas"
        )
    if style and not request.raw:
        raise SettingError(f"--engine-style {style} is a style of the engine alone; add --raw")
    for what, folder, holds in (("data", data, "grid_*/, facegood/, speech/"), ("corpus", corpus, "shards/")):
        if folder is not None and not folder.is_dir():
            raise InputError(f"{what} must be a folder with {holds}, got {folder}, which is none")
    if corpus is not None and not any((corpus / "shards").glob("*.npz")):
        raise InputError(
            f"corpus {corpus} has no shards/*.npz; make it with recipes/corpus/, see its README.md"
        )
    return chosen


def _titles(request: Request) -> dict[str, str]:
    """Return the engines by what they are called in the tables: a name, or as much of a path as it takes."""
    found: dict[str, str] = {}
    for name in request.engines:
        path = Path(name)
        short = path.stem if path.suffix == ".json" else name
        title = next((t for t in (short, f"{path.parent.name}/{short}") if t not in found), name)
        found[title] = name
    return {f"{title}, raw" if request.raw else title: name for title, name in found.items()}


def _operating(name: str, heard: Material, plan: Plan, request: Request, say: Progress) -> dict[str, Any]:
    """Return per set and condition the points of recall against false closure, and recall at 4 %."""
    found: dict[str, Any] = {}
    for condition, changed in heard_as(heard, plan.conditions).items():
        for kind, spoken in heard.speech.items():
            say(f"{name}: limits, {kind}, {condition}")
            points = curve(name, spoken, condition=changed, raw=request.raw)
            found.setdefault(kind, {})[condition] = {"recall_at_4": recall_at(points), "points": points}
    return found
