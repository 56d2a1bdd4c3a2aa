"""``rhapsode doctor``: what is wrong, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

_MARKS = {"ok": "[green]ok     [/]", "warning": "[yellow]warning[/]", "bad": "[bold red]bad    [/]"}


def doctor(
    url: Annotated[
        str,
        typer.Option(help="Address of a running stage. [default: that of the settings]", show_default=False),
    ] = "",
    token: Annotated[str, typer.Option(help="Token of that stage.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Look for what is wrong with this machine, this installation and the running stage.

    Exits with 1 where something is bad; warnings are about what not everybody needs.
    """
    import asyncio
    from dataclasses import asdict
    from urllib.parse import parse_qs, urlsplit

    from rhapsode.cli.terminal import console, print_json
    from rhapsode.server.doctor import check_handshake, check_origin, examine
    from rhapsode.settings.load import load

    loaded = load()
    settings = loaded.server
    address = urlsplit(url or f"http://{settings.host}:{settings.port}")
    token = token or "".join(parse_qs(address.query).get("token", [])) or settings.token
    checks = examine(settings, talk=loaded.settings)
    base = f"{address.scheme}://{address.netloc}"
    checks.append(asyncio.run(check_handshake(base, token)))
    checks.append(check_origin(address.hostname or "", secure=address.scheme == "https"))
    if as_json:
        print_json({"checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            console.print(f"{_MARKS[check.state]} [bold]{check.name}[/]: ", end="")
            console.print(check.message, markup=False)
            if check.remedy and check.state != "ok":
                console.print(f"        -> {check.remedy}", markup=False)
    if any(check.state == "bad" for check in checks):
        raise typer.Exit(1)
