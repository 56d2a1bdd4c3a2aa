"""``rhapsode train script``: the recording guide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhapsode.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rhapsode.train.script.folder import TakeFolder
    from rhapsode.train.script.prompts import Item

WARNED = "warned"
"""In place of an id behind --again: every take that was kept with a problem."""


def script(
    folder: Annotated[
        Path | None, typer.Argument(help="Data folder to fill; what is in it is kept.", show_default=False)
    ] = None,
    language: Annotated[
        str, typer.Option("-l", "--language", help="Language of the prompts: en or zh.")
    ] = "en",
    manner: Annotated[
        str, typer.Option(help="How they are said: normal, exaggerated, or both (one after the other).")
    ] = "both",
    minutes: Annotated[
        float | None, typer.Option(help="Record about this long: the prompts that cover most come first.")
    ] = None,
    again: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Record this take or prompt again; repeat for several. '{WARNED}': all with problems."
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Print the script and what is recorded.")] = False,
    sheet: Annotated[
        Path | None, typer.Option("--print", help="Write the script: .md to print, .txt to prompt, .csv.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Take recordings made elsewhere: a folder of files, or one long file."),
    ] = None,
    pause: Annotated[float, typer.Option(help="With --from FILE: silence between two prompts, s.")] = 1.5,
    capture: Annotated[
        Path | None,
        typer.Option("--cut", help="Cut a face capture of a whole sitting into its takes, by the claps."),
    ] = None,
    clap_times: Annotated[
        list[str] | None,
        typer.Option(
            "--clap-at", help="With --cut: seconds of the claps in it, or its video with the sound."
        ),
    ] = None,
    sitting: Annotated[
        int | None, typer.Option(help="With --cut: which sitting; the last by default.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Microphone: its number or part of its name.")] = None,
    devices: Annotated[bool, typer.Option("--devices", help="List the microphones.")] = False,
    count_in: Annotated[int, typer.Option(min=0, max=10, help="Beats before a take.")] = 3,
    clap: Annotated[
        bool,
        typer.Option("--clap/--no-clap", help="Begin and end with a clap, to lay a face capture over it."),
    ] = True,
    review: Annotated[bool, typer.Option("--review", help="Wait after every take.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Record a script that covers a language, into a folder that `rhapsode train face` reads.

    Stops and goes on at any time: what is recorded is skipped. Keys: space or enter ends a take,
    r says it again, p plays it, q stops; everything kept so far stays.

    Examples: `rhapsode train script my_takes --language zh --minutes 10`,
    `rhapsode train script my_takes --again en-word-003-normal`,
    `rhapsode train script --language en --print script.md`
    """
    from rhapsode.cli.terminal import console, print_json

    if devices:
        from rhapsode.train.script.recorder import microphones

        typer.echo("\n".join(microphones()) or "no microphone")
        return
    items = _chosen(language, manner, minutes)
    if sheet is not None:
        from rhapsode.train.script.sheet import write_sheet

        write_sheet(items, sheet)
        console.print(f"{len(items)} prompts -> {sheet}", markup=False)
        return
    if show:
        _list(items, folder, as_json=as_json)
        return
    if folder is None:
        raise SettingError(
            "recording needs a folder for the takes, got none; try: rhapsode train script my_takes"
        )
    kept = _opened(folder)
    if capture is not None:
        from rhapsode.train.script.capture import cut_capture

        made = cut_capture(kept, capture, clap_times or [], number=sitting)
        console.print(f"{len(made)} of {len(kept.takes)} takes have a face now", markup=False)
        if as_json:
            print_json({"folder": str(folder), "cut": made})
        return
    wanted = _again(items, kept, again) if again else kept.missing(items)
    if source is not None:
        report = _take(items if source.is_file() and not again else wanted, kept, source, pause)
    else:
        report = _record(
            wanted, kept, device, {"count_in": count_in, "sync": clap, "review": review}, total=len(items)
        )
    if as_json:
        print_json({"folder": str(folder), **report, "left": len(kept.missing(items))})


def _chosen(language: str, manner: str, minutes: float | None) -> tuple[Item, ...]:
    from rhapsode.train.script.prompts import MANNERS
    from rhapsode.train.script.prompts import script as prompts_of

    if minutes is not None and not 0 < minutes <= 24 * 60:
        raise SettingError(f"--minutes must lie in (0, 1440], got {minutes:g}; try 10")
    return prompts_of(language, manners=MANNERS if manner == "both" else [manner], minutes=minutes)


def _opened(folder: Path) -> TakeFolder:
    from rhapsode.cli.terminal import say_note
    from rhapsode.train.script.folder import TakeFolder

    kept = TakeFolder(folder)
    if kept.damaged:
        say_note(
            f"{len(kept.damaged)} takes in {folder} have lost their sound or changed, "
            f"the first is {kept.damaged[0]}; they are recorded again"
        )
    return kept


def _again(items: Sequence[Item], kept: TakeFolder, names: list[str]) -> tuple[Item, ...]:
    """Return the items that ``names`` mean, whether they are among those chosen or not."""
    from rhapsode.train.script.prompts import LANGUAGES
    from rhapsode.train.script.prompts import script as prompts_of

    every = {item.id: item for language in LANGUAGES for item in prompts_of(language)}
    found: list[Item] = []
    for name in names:
        if name == WARNED:
            meant = [every[k] for k, take in kept.takes.items() if take.warnings and k in every]
        else:
            meant = [every[name]] if name in every else [i for i in items if i.prompt.id == name]
            if not meant:
                raise SettingError(
                    f"no take or prompt is called '{name}'; expected such as {items[0].id}; see --list"
                )
        found += [item for item in meant if item not in found]
    return tuple(found)


def _list(items: Sequence[Item], folder: Path | None, *, as_json: bool) -> None:
    from rhapsode.cli.terminal import print_json
    from rhapsode.train.script.prompts import duration_s

    takes = _opened(folder).takes if folder is not None else {}
    rows: list[dict[str, Any]] = [
        {
            "id": item.id,
            "text": item.prompt.text,
            "reading": item.prompt.reading,
            "says": item.prompt.says,
            "hint": item.prompt.hint,
            "recorded": item.id in takes,
            "warnings": list(takes[item.id].warnings) if item.id in takes else [],
        }
        for item in items
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        mark = "!" if row["warnings"] else "x" if row["recorded"] else " "
        notes = [row["reading"], row["hint"], *row["warnings"]]
        typer.echo(f"[{mark}] {row['id']}  {row['text']}  {'; '.join(filter(None, notes))}".rstrip())
    done = sum(bool(row["recorded"]) for row in rows)
    typer.echo(f"{len(rows)} takes, {done} recorded, about {duration_s(items) / 60:.0f} minutes in all")


def _take(items: Sequence[Item], kept: TakeFolder, source: Path, pause_s: float) -> dict[str, Any]:
    from rhapsode.cli.terminal import console, say_note
    from rhapsode.train.script.elsewhere import take_files, take_long_file

    if not items:
        console.print("everything is recorded")
        return {"recorded": [], "warned": []}
    if source.is_dir():
        done = take_files(items, kept, source)
    else:
        done = take_long_file(items, kept, source, pause_s=pause_s)
    for name, problems in done.problems.items():
        for problem in problems:
            say_note(f"{name}: {problem}")
    absent = f", without a file: {len(done.absent)}" if done.absent else ""
    console.print(f"takes kept: {len(done.recorded)}{absent}", markup=False)
    return {"recorded": done.recorded, "warned": list(done.problems)}


def _record(
    items: Sequence[Item], kept: TakeFolder, device: str | None, options: dict[str, Any], *, total: int
) -> dict[str, Any]:
    from rhapsode.cli.terminal import console
    from rhapsode.train.script.keys import TerminalKeys
    from rhapsode.train.script.prompts import duration_s
    from rhapsode.train.script.recorder import Microphone
    from rhapsode.train.script.screen import Prompter
    from rhapsode.train.script.session import Session

    if not items:
        console.print(f"all {total} takes are recorded; --again ID records one anew", markup=False)
        return {"recorded": [], "warned": [], "stopped": False}
    microphone = Microphone(device)
    console.print(
        f"{microphone.name}, {microphone.sample_rate} Hz; {len(items)} takes, "
        f"about {duration_s(items) / 60:.0f} minutes",
        markup=False,
    )
    before = len(kept.takes)
    try:
        with TerminalKeys() as keys, Prompter(console) as screen:
            done = Session(items, kept, microphone, screen, keys, **options).run()
    except KeyboardInterrupt:
        console.print(f"interrupted; new takes kept: {len(kept.takes) - before}", markup=False)
        raise typer.Exit(130) from None
    console.print(f"takes kept: {len(done.recorded)}, left: {done.left}", markup=False)
    if done.warned:
        console.print(
            f"with problems: {', '.join(done.warned)}; --again {WARNED} records them anew", markup=False
        )
    return {"recorded": done.recorded, "warned": done.warned, "stopped": done.stopped}
