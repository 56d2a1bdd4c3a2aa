"""``rhapsode conversations``: read, export and delete what was kept of conversations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhapsode.cli.settings_flags import SettingsFile
from rhapsode.errors import InputError

if TYPE_CHECKING:
    from rhapsode.dialogue.log.database import Database

app = typer.Typer(
    help="Read, export and delete what was kept of conversations (setting remember.conversations).",
    no_args_is_help=True,
)

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Key = Annotated[str, typer.Argument(help="Id of a conversation; its first letters are enough.")]
Url = Annotated[
    str, typer.Option("--url", help="SQLAlchemy URL of the database. [default: that of the settings]")
]
LENGTH = 60


@app.command("list")
def list_conversations(
    search: Annotated[str, typer.Option("--search", "-s", help="Words of a question or an answer.")] = "",
    person: Annotated[str, typer.Option(help="Whose.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    url: Url = "",
    settings: SettingsFile = None,
    as_json: JsonFlag = False,
) -> None:
    """List conversations, the newest first."""
    from rhapsode.cli.terminal import console, print_json

    rows: dict[str, Any] = {"conversations": [], "next": None, "total": 0}
    with _opened(url, settings) as database:
        if database is not None:
            from rhapsode.dialogue.log.reading import conversations

            rows = conversations(database, limit=limit, search=search, person=person)
    if as_json:
        print_json(rows)
        return
    for row in rows["conversations"]:
        lacking = f"  {row['unanswered']} unanswered" if row["unanswered"] else ""
        typer.echo(
            f"{row['id'][:8]}  {_minute(row['began'])}  {row['turns']:3} turns  {_cut(row['first'])}{lacking}"
        )
    console.print(f"{len(rows['conversations'])} of {rows['total']}", markup=False)


@app.command()
def show(key: Key, url: Url = "", settings: SettingsFile = None, as_json: JsonFlag = False) -> None:
    """Show one conversation."""
    from rhapsode.cli.terminal import print_json
    from rhapsode.dialogue.log.export import export

    told = _one(key, url, settings)
    if as_json:
        print_json(told)
    else:
        typer.echo(export(told, "txt"), nl=False)


@app.command()
def export(
    key: Key,
    output: Annotated[Path, typer.Argument(help="A .json, .jsonl, .csv or .txt file to write.")],
    url: Url = "",
    settings: SettingsFile = None,
) -> None:
    """Write one conversation into a file; its ending tells the format."""
    from rhapsode.cli.terminal import console
    from rhapsode.dialogue.log.export import export as document

    text = document(_one(key, url, settings), output.suffix.lower().removeprefix("."))
    _write(output, text)
    console.print(f"wrote {output.name}", markup=False)


@app.command()
def forget(
    key: Annotated[str, typer.Argument(help="Id of a conversation; its first letters are enough.")] = "",
    person: Annotated[str, typer.Option(help="Whose conversations are all deleted.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = "",
    settings: SettingsFile = None,
) -> None:
    """Delete a conversation, or all of a person, sound too; nothing of it stays in the file."""
    from rhapsode.cli.terminal import console
    from rhapsode.dialogue.log.removing import forget as delete

    if bool(key) == bool(person):
        raise InputError("name what is to be deleted: the id of a conversation, or --person")
    whole = _one(key, url, settings)["id"] if key else ""
    if not yes:
        typer.confirm(f"Delete {f'conversation {whole[:8]}' if key else f'all of {person}'}?", abort=True)
    with _opened(url, settings) as database:
        count = 0 if database is None else delete(database, conversation=whole, person=person)
    console.print(f"deleted {_count(count, 'conversation')}", markup=False)


@app.command()
def purge(
    days: Annotated[int, typer.Option(min=0, help="Older than so many days; 0 for all that are over.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = "",
    settings: SettingsFile = None,
) -> None:
    """Delete the conversations that are too old."""
    from rhapsode.cli.terminal import console
    from rhapsode.dialogue.log.removing import purge as delete

    if not yes:
        typer.confirm(f"Delete all conversations that ended more than {days} days ago?", abort=True)
    with _opened(url, settings) as database:
        count = 0 if database is None else delete(database, days)
    console.print(f"deleted {_count(count, 'conversation')}", markup=False)


@app.command()
def unanswered(
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    days: Annotated[int, typer.Option(min=1, help="Of the last so many days.")] = 90,
    url: Url = "",
    settings: SettingsFile = None,
    as_json: JsonFlag = False,
) -> None:
    """List questions that had no answer of their own, those asked most often first."""
    from rhapsode.cli.terminal import print_json

    rows: list[dict[str, Any]] = []
    with _opened(url, settings) as database:
        if database is not None:
            from rhapsode.dialogue.log.reading import unanswered as read

            rows = read(database, limit=limit, days=days)
    if as_json:
        print_json({"days": days, "questions": rows})
        return
    for row in rows:
        typer.echo(f"{row['count']:4} x  {_minute(row['last'])}  {row['language']:5}  {row['question']}")


@contextmanager
def _opened(url: str, settings: Path | None) -> Iterator[Database | None]:
    """Give the database; None where nothing was ever kept."""
    from rhapsode.dialogue.log.database import exists, open_database
    from rhapsode.settings.load import Store

    url = url or Store(settings).load().settings.remember.url
    if not exists(url):
        yield None
        return
    database = open_database(url)
    try:
        yield database
    finally:
        database.close()


def _one(key: str, url: str, settings: Path | None) -> dict[str, Any]:
    with _opened(url, settings) as database:
        if database is None:
            raise InputError(
                "no conversation was ever kept; the setting remember.conversations keeps those that follow"
            )
        from rhapsode.dialogue.log.reading import conversation, whole_key

        return conversation(database, whole_key(database, key))


def _write(output: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all."""
    beside = output.with_name(f".{output.name}.part")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text.encode("utf-8"))
        beside.replace(output)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(f"{output} cannot be written: {error.strerror}; name another file") from error


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _cut(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= LENGTH else f"{words[: LENGTH - 1]}…"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
