"""`rhapsode train face`, step by step: read, check, split, learn, export, measure what was exported."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rhapsode.errors import InputError, RhapsodeError, SettingError
from rhapsode.performance import as_rate
from rhapsode.train.loop import Plan
from rhapsode.train.own import tune as tuning
from rhapsode.train.own.columns import Columns, choose
from rhapsode.train.own.finish import jaw_of, measure, write_engine
from rhapsode.train.own.job import Job, Teller
from rhapsode.train.own.package import check_folder, constant_rest, rig_path
from rhapsode.train.own.pairing import pair
from rhapsode.train.own.progress import Run, fingerprint
from rhapsode.train.own.rig import OwnRig, make_rig
from rhapsode.train.own.rig_file import read_rig
from rhapsode.train.own.takes import OwnTake, RawTake, channel_names, fit, read_all, split
from rhapsode.train.restore import Restored, load, with_fresh_head

WORK = "work"
"""Folder beside the engine that holds checkpoints and logs; it may be deleted."""


@dataclass(frozen=True)
class Settings:
    """What `rhapsode train face` is asked to do; see its options."""

    data: Path
    out: Path
    rig: Path | None = None
    name: str = ""
    engine: str = "live"
    scratch: bool = False
    hold_out: tuple[str, ...] = ()
    fps: Fraction | None = None
    fix_sync: bool = False
    device: str = "auto"
    epochs: int | None = None
    minutes: float | None = None
    restart: bool = False


@dataclass
class Outcome:
    """What came of it, in plain values."""

    manifest: str = ""
    rig: str = ""
    takes: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    held_out: tuple[str, ...] = ()
    learned_s: float = 0.0
    channels: dict[str, Any] = field(default_factory=dict)
    best_epoch: int = 0
    epochs: int = 0
    train_s: float = 0.0
    mean_correlation: float = 0.0
    jaw_correlation: float | None = None
    jaw_before: float | None = None
    correlations: dict[str, float] = field(default_factory=dict)


def train_face(settings: Settings, teller: Teller) -> Outcome:
    """Train an engine for a user's own face and write it to a folder.

    Args:
        settings: what to do.
        teller: is told about it.

    Returns:
        What came of it; the same is in ``<name>.report.json`` beside the engine.

    Raises:
        InputError: the data, the rig or a setting cannot be used; nothing is written then.
        KeyboardInterrupt: passed on once the checkpoint is complete; the same call goes on from there.

    """
    outcome = Outcome()
    described = read_rig(settings.rig) if settings.rig else None
    device = chosen_device(settings.device)
    rig, takes = _read(settings, described, teller, outcome)
    parted = split(takes, settings.hold_out)
    teller.say(parted.note)
    columns = choose(rig, parted.learn)
    _tell_columns(columns, teller, outcome)
    base = load(settings.engine)
    outcome.held_out = tuple(take.name for take in parted.held)
    outcome.learned_s = sum(take.duration_s for take in parted.learn)
    teller.say(
        f"{len(parted.learn)} takes to learn from, {outcome.learned_s / 60:.1f} minutes; "
        f"{len(columns)} columns; on {device}"
    )
    check_folder(settings.out)
    plan = _plan(settings, base)
    facts = {"plan": asdict(plan), "keys": columns.keys, "base": base.manifest["sha256"]}
    facts |= {"scratch": settings.scratch, "rig": asdict(rig)}
    mark = fingerprint({"learn": list(parted.learn), "held": list(parted.held)}, facts)
    run = Run(settings.out / WORK, mark, restart=settings.restart)
    Job(
        teller,
        base,
        columns,
        parted.learn,
        parted.held,
        plan,
        run,
        device,
        scratch=settings.scratch,
        minutes=settings.minutes,
    ).learn()
    best = run.load_best(with_fresh_head(base.model, len(columns)))
    outcome.best_epoch, outcome.epochs = run.state.best_epoch, run.state.epoch
    outcome.train_s = round(run.state.spent_s, 1)
    rest = constant_rest([take.rest for take in takes])
    manifest = write_engine(best, settings.out, base, columns, rest, parted.learn, scratch=settings.scratch)
    outcome.manifest, outcome.rig = str(manifest), str(rig_path(manifest))
    scores = measure(manifest, parted.held, columns)
    outcome.correlations = {name: round(score, 3) for name, score in scores.items()}
    outcome.mean_correlation = round(float(np.mean([*scores.values()])) if scores else 0.0, 3)
    outcome.jaw_correlation = _rounded(jaw_of(scores, columns))
    outcome.jaw_before = _rounded(tuning.jaw_before(base, parted.held, columns))
    report = manifest.with_name(f"{manifest.stem}.report.json")
    report.write_text(json.dumps(asdict(outcome), indent=1, ensure_ascii=False) + "\n", "utf-8")
    return outcome


def chosen_device(wanted: str) -> str:
    """Return the device to train on.

    Raises:
        SettingError: it is not there.

    """
    gpu = bool(torch.cuda.is_available())
    if wanted == "auto":
        return "cuda" if gpu else "cpu"
    if wanted == "cpu" or (gpu and wanted.split(":")[0] == "cuda"):
        return wanted
    there = "cpu, cuda" if gpu else "cpu"
    raise SettingError(f"--device must be auto or one of {there}, got '{wanted}'")


def _read(
    settings: Settings, described: dict[str, Any] | None, teller: Teller, outcome: Outcome
) -> tuple[OwnRig, list[OwnTake]]:
    pairing = pair(settings.data)
    from_rig = as_rate(described["fps"]) if described and described.get("fps") else None
    raw, refused = read_all(pairing.pairs, settings.fps or from_rig)
    outcome.left_out = {str(path.relative_to(settings.data)): why for path, why in pairing.left}
    outcome.left_out |= dict(refused)
    rig = _rig(raw, described, settings)
    takes: list[OwnTake] = []
    for one in raw:
        try:
            takes.append(fit(one, rig, fix_sync=settings.fix_sync))
        except RhapsodeError as error:
            outcome.left_out[one.name] = str(error)
    if not takes:
        raise InputError(f"no take can be used: {next(iter(outcome.left_out[one.name] for one in raw))}")
    for take in takes:
        outcome.takes[take.name] = f"{take.duration_s:.1f} s, {take.sync}"
        teller.say(f"take '{take.name}': {outcome.takes[take.name]}")
    for take in takes:
        for text in take.notes:
            teller.note(text)
    _tell_left_out(outcome.left_out, teller)
    return rig, takes


def _rig(raw: Sequence[RawTake], described: dict[str, Any] | None, settings: Settings) -> OwnRig:
    top = max(float(np.abs(take.curves.values).max(initial=0)) for take in raw)
    name = settings.name or settings.data.resolve().name or "own"
    rig = make_rig(channel_names(raw), described, name=name, top=top)
    return replace(rig, name=settings.name) if settings.name else rig


def _tell_left_out(left: dict[str, str], teller: Teller) -> None:
    reasons: dict[str, list[str]] = {}
    for name, why in left.items():
        common = re.sub(r" (is|are) called '.*'$", " by that name", why)
        reasons.setdefault(common, []).append(name)
    for why, names in reasons.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        teller.note(f"left out: {', '.join(names[:3])}{more}: {why}")


def _tell_columns(columns: Columns, teller: Teller, outcome: Outcome) -> None:
    rig = columns.rig
    upper = [channel.name for channel in rig.channels if not channel.learn]
    unshown = [name for name in rig.unshown if name in columns.own]
    outcome.channels = {
        "learned": list(columns.own),
        "constant": list(columns.still),
        "left_to_life": upper,
        "not_on_arkit": unshown,
        "arkit": sorted({name for route in columns.routes for name in route}),
    }
    like = f", mapped to ARKit as rig '{rig.like}'" if rig.like else ""
    teller.say(f"rig '{rig.name}': {len(columns.own)} of {len(rig.channels)} channels move{like}")
    for names, why in (
        (upper, "not learned: eyes, brows and head are not to be heard, or the rig says so"),
        (
            unshown,
            "no ARKit channel is known for them: learned, but ARKit avatars do not show them",
        ),
    ):
        if names:
            more = f" and {len(names) - 6} more" if len(names) > 6 else ""
            teller.note(f"{', '.join(names[:6])}{more}: {why}")
    if not outcome.channels["arkit"]:
        teller.note("no channel is known on ARKit, so avatars will not move: give a rig with 'arkit' names")


def _plan(settings: Settings, base: Restored) -> Plan:
    plan = tuning.SCRATCH if settings.scratch else tuning.FINE
    return replace(plan, delay=base.delay, epochs=settings.epochs or plan.epochs)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
