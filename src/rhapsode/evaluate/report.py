"""Every measure of every face, as one document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rhapsode.evaluate.articulation import articulation
from rhapsode.evaluate.conditions import Condition, conditions
from rhapsode.evaluate.cost import delay, real_time_factor
from rhapsode.evaluate.faces import Face
from rhapsode.evaluate.material import Material
from rhapsode.evaluate.peers import AbsentError, PeerFace
from rhapsode.evaluate.rest import resting
from rhapsode.evaluate.streams import carried
from rhapsode.evaluate.takes import followed
from rhapsode.face.direction import Direction

TEACHER = "teacher"
"""The row of the articulation teacher, who knows the phones: what no listener can beat in these measures."""

Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Measured:
    """A face that is to be measured.

    Args:
        name: as it is printed.
        face: what makes it.
        direction: for its delay, where it streams; None leaves the delay out.

    """

    name: str
    face: Face
    direction: Direction | None = None


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Args:
        conditions: names, see `rhapsode.evaluate.conditions.CONDITIONS`.
        rest_s: length of the sounds that nobody speaks in.
        streams: measure how many streams two cores carry; takes half a minute a face.

    """

    conditions: tuple[str, ...] = ("clean",)
    rest_s: float = 10.0
    streams: bool = False


def heard_as(material: Material, names: Sequence[str]) -> dict[str, Condition]:
    """Return the conditions of those names; the utterances of the material are each other's babble.

    Raises:
        KeyError: there is no such condition.

    """
    first = next((spoken for spoken in material.speech.values() if spoken), [])
    voices = [utterance.sound() for utterance in first[:12]] if "babble" in names else []
    known = conditions(voices)
    return {name: known[name] for name in names}


def report(
    faces: Sequence[Measured], material: Material, plan: Plan, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the measures of ``faces``.

    Args:
        faces: what is measured.
        material: on what.
        plan: how much.
        progress: called with what is being measured.

    Returns:
        "faces", by name: "speech" (set, condition, measure), "takes" (speaker, condition, measure), "rest"
        and "cost"; under "notes" what is missing. The articulation teacher is the last of the faces.

    """
    say = progress or (lambda _: None)
    heard = heard_as(material, plan.conditions)
    found: dict[str, Any] = {}
    notes = list(material.notes)
    for measured in faces:
        try:
            found[measured.name] = _measures(measured, material, plan, heard, say)
        except AbsentError as error:
            notes.append(f"{measured.name} is left out: {error}")
    say(TEACHER)
    taught = {name: {"clean": articulation(spoken, None)} for name, spoken in material.speech.items()}
    found[TEACHER] = {"speech": taught, "takes": {}, "rest": {}, "cost": {}}
    return {"faces": found, "notes": notes}


def _measures(
    measured: Measured, material: Material, plan: Plan, heard: dict[str, Condition], say: Progress
) -> dict[str, Any]:
    speech: dict[str, Any] = {name: {} for name in material.speech}
    takes: dict[str, Any] = {name: {} for name in material.takes}
    for condition, changed in heard.items():
        for name, spoken in material.speech.items():
            say(f"{measured.name}: {name}, {condition}")
            speech[name][condition] = articulation(spoken, measured.face, condition=changed)
        for name, filmed in material.takes.items():
            say(f"{measured.name}: {name}, {condition}")
            takes[name][condition] = followed(filmed, measured.face, condition=changed)
    say(f"{measured.name}: rest and cost")
    rest = resting(measured.face, duration_s=plan.rest_s)
    return {"speech": speech, "takes": takes, "rest": rest, "cost": _cost(measured, plan)}


def _cost(measured: Measured, plan: Plan) -> dict[str, float]:
    if isinstance(measured.face, PeerFace):
        return {"real_time_factor": measured.face.real_time_factor}
    cost = {"real_time_factor": real_time_factor(measured.face)}
    if measured.direction is not None:
        cost |= delay(measured.direction)
        if plan.streams:
            found = carried(measured.direction)
            cost |= {"streams": found.streams, "streams_p95_ms": found.late_p95_ms}
            cost["streams_at_most"] = found.at_most
    return cost
