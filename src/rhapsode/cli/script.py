"""``rhapsode script``: begin a dialogue script, check it, ask it, test it, rehearse it, convert it."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from rhapsode.cli.settings_flags import PresetName, SettingsFile

app = typer.Typer(
    help="Begin a dialogue script, check it, ask it, test it, rehearse it, convert it.", no_args_is_help=True
)

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
ScriptArgument = Annotated[str, typer.Argument(help="A .yaml, .xlsx or .csv file, or the name of a script.")]


@app.command("list")
def list_scripts(as_json: JsonFlag = False) -> None:
    """List the scripts that come with the product."""
    from rhapsode.cli.terminal import print_json
    from rhapsode.dialogue.script import bundled

    if as_json:
        print_json({"scripts": [one._asdict() for one in bundled()]})
        return
    for one in bundled():
        typer.echo(f"{one.name:10} {', '.join(one.languages):8} {one.entries:3} entries  {one.about}")


@app.command()
def init(
    output: Annotated[Path, typer.Argument(help="A .yaml, .xlsx or .csv file to write.")],
    language: Annotated[str, typer.Option("--language", "-l", help="Of its texts, such as en or zh.")] = "en",
) -> None:
    """Write a small script to begin with; comments in the YAML say what its parts do."""
    from rhapsode.cli.terminal import console
    from rhapsode.dialogue.script.template import LANGUAGES, write_template

    write_template(output, language=language)
    console.print(f"wrote {output.name}", markup=False)
    if language.partition("-")[0].lower() not in LANGUAGES:
        console.print(f"its texts are English: write them in {language!r}", markup=False)
    console.print(f"next: change it, then: rhapsode script check {output}", markup=False)


@app.command()
def check(
    script: ScriptArgument,
    as_json: JsonFlag = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
) -> None:
    """Find clashes, dead entries, missing languages and unknown marks; exit code 2 on errors."""
    from rhapsode.cli.terminal import console, print_json
    from rhapsode.dialogue.script import script_path
    from rhapsode.dialogue.script.check import check_file

    path = script_path(script)
    with console.status(f"checking {path.name}"):
        findings = check_file(path)
    errors = [one for one in findings if one.level == "error"]
    if as_json:
        print_json(
            {"file": path.name, "errors": len(errors), "findings": [one._asdict() for one in findings]}
        )
    else:
        for one in findings:
            colour = "red" if one.level == "error" else "yellow"
            console.print(f"[{colour}]{one.level}[/]  ", end="")
            whose = f"{one.entry!r}: " if one.entry else ""
            console.print(f"{one.place}: {whose}{one.message}", markup=False)
        console.print(
            f"{path.name}: {_count(len(errors), 'error')}, {_count(len(findings) - len(errors), 'warning')}"
        )
    if errors or (strict and findings):
        raise typer.Exit(2)


@app.command()
def ask(
    script: ScriptArgument,
    question: Annotated[str, typer.Argument(help="What somebody may say.")],
    language: Annotated[str, typer.Option("--language", "-l", help="Its language, such as en or zh.")] = "",
    about: Annotated[
        list[str] | None, typer.Option("--about", help="Id of an entry that was just talked about.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show which entries a question finds, and what would be answered."""
    from rhapsode.cli.terminal import console, print_json
    from rhapsode.dialogue.script import THRESHOLD, Index, read_script, script_path
    from rhapsode.dialogue.script.model import match_language

    read = read_script(script_path(script))
    with console.status("reading"):
        index = Index(read)
    threshold = THRESHOLD if read.threshold is None else read.threshold
    start = perf_counter()
    hits = index.search(question, language=language, context=about or ())
    took_ms = 1000 * (perf_counter() - start)
    found = [
        {"entry": hit.entry.id, "score": round(hit.score, 3), "nearest": hit.variant, "exact": hit.exact}
        for hit in hits
    ]
    answered = bool(hits) and hits[0].score >= threshold
    answer = ""
    if answered:
        answers = hits[0].entry.answers
        tag = match_language(language, tuple(answers)) or next(iter(answers), "")
        answer = hits[0].entry.marked(answers[tag][0]) if answers.get(tag) else ""
    if as_json:
        print_json(
            {"answer": answer, "threshold": threshold, "found": found, "milliseconds": round(took_ms, 1)}
        )
        return
    for hit in hits:
        typer.echo(f"{hit.score:5.2f}  {hit.entry.id:24} {hit.variant}")
    reason = f"nothing reaches {threshold:g}" if hits else "nothing is near, or the script refuses it"
    typer.echo(answer if answered else f"(no answer: {reason})")


@app.command("test")
def trial(
    script: ScriptArgument,
    questions: Annotated[
        Path,
        typer.Argument(
            help="YAML: entries with questions, and 'nothing'; or a table: question, entry, language."
        ),
    ],
    as_json: JsonFlag = False,
    least: Annotated[
        float, typer.Option("--least", min=0, max=1, help="Exit code 2 where a smaller share goes right.")
    ] = 0.0,
) -> None:
    """Ask a file of questions: how many find their entry, which find another or nothing."""
    from rhapsode.cli.terminal import console, print_json
    from rhapsode.dialogue.script import Index, read_script, script_path
    from rhapsode.dialogue.script.trial import VERDICTS, read_questions, share, try_questions

    read = read_script(script_path(script))
    asked = read_questions(questions, entries=list(read.by_id()), languages=read.languages)
    with console.status(f"asking {_count(len(asked), 'question')}"):
        results = list(try_questions(Index(read), asked))
    counts = {verdict: sum(one.verdict == verdict for one in results) for verdict in VERDICTS}
    right = share(results)
    if as_json:
        rows = [
            {
                "question": asked.text,
                "entry": asked.entry,
                "verdict": verdict,
                "found": found,
                "score": round(score, 3),
            }
            for asked, verdict, found, score, _ in results
        ]
        print_json({"questions": len(results), "right": round(right, 4), "verdicts": counts, "results": rows})
    else:
        for one in results:
            if one.verdict not in {"right", "refused"}:
                wanted = one.asked.entry or "nothing"
                went = f"{one.verdict:9} {one.score:4.2f}  {one.asked.text}"
                typer.echo(f"{went}  (wanted {wanted}, nearest {one.found or 'nothing'})")
        for verdict, meaning in VERDICTS.items():
            if counts[verdict]:
                typer.echo(f"{counts[verdict]:5}  {verdict:9} {meaning}")
        typer.echo(f"{100 * right:.0f} % of {_count(len(results), 'question')} went as they should")
    if right < least:
        raise typer.Exit(2)


@app.command()
def rehearse(
    script: Annotated[str, typer.Argument(help="As above; empty for that of the settings.")] = "",
    preset: PresetName = "",
    settings: SettingsFile = None,
) -> None:
    """Speak all answers now, with the voices of the settings, and keep them: then each begins at once.

    The stage does the same by itself while nobody talks. Do it before a first visitor comes, and again
    where the script, the voice or its manner changed; what is kept already is not spoken anew.
    """
    from rhapsode.cli.script_rehearsal import rehearse_script
    from rhapsode.cli.settings_flags import store_of
    from rhapsode.cli.terminal import console, interruptible

    held = store_of(settings, preset, {"think.script": script}).load().settings
    with interruptible():
        count, seconds = rehearse_script(held)
    console.print(f"{_count(count, 'sentence')} of '{held.think.script}' kept, {seconds:.0f} s", markup=False)


@app.command()
def convert(
    script: ScriptArgument,
    output: Annotated[Path, typer.Argument(help="A .yaml, .xlsx or .csv file to write.")],
) -> None:
    """Write a script in another format; everything but comments and looks is kept."""
    from rhapsode.cli.terminal import console
    from rhapsode.dialogue.script import read_script, script_path, write_script

    write_script(read_script(script_path(script)), output)
    console.print(f"wrote {output.name}", markup=False)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
