"""``rhapsode serve``: the stage in the browser."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rhapsode.cli.settings_flags import ModelName, PresetName, ScriptName, SettingsFile


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on. [default: 8420]", show_default=False)
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the stage in a browser.")] = False,
    avatar: Annotated[str, typer.Option(help="Avatar shown first: a name or a .vrm/.glb file.")] = "",
    voice: Annotated[str, typer.Option(help="Voice that speaks texts.")] = "",
    engine: Annotated[str, typer.Option(help="Face engine: a shipped name or a manifest file.")] = "",
    token: Annotated[
        str, typer.Option(help="What every request must know; made by itself beyond 127.0.0.1.")
    ] = "",
    takes: Annotated[str, typer.Option(help="Folder that recorded takes are kept in.")] = "",
    allow_sinks: Annotated[
        bool, typer.Option("--allow-sinks", help="Beyond 127.0.0.1: let clients add sinks, files too.")
    ] = False,
    embed: Annotated[
        list[str] | None,
        typer.Option("--embed", help="Another site that may embed the stage: https://example.org."),
    ] = None,
    preset: PresetName = "",
    script: ScriptName = "",
    model: ModelName = "",
    settings: SettingsFile = None,
) -> None:
    """Serve the stage: an avatar in the browser that speaks what you type.

    Options that are not given come from RHAPSODE_SERVER_HOST, RHAPSODE_SERVER_PORT and so on, else from the
    section [server] of the file of settings.
    """
    from rhapsode.cli.settings_flags import tell_hidden, thinking_store
    from rhapsode.cli.terminal import console, say_note
    from rhapsode.server.app import create_app
    from rhapsode.server.run import bind, open_browser, open_when_ready, server, url_of
    from rhapsode.server.talking import Talking
    from rhapsode.speech import load_voice

    given: dict[str, Any] = {"host": host, "port": port, "avatar": avatar, "voice": voice, "weights": engine}
    given |= {"token": token, "takes": takes, "allow_sinks": allow_sinks or None, "embed_origins": embed}
    flags = {f"server.{name}": value for name, value in given.items()}
    store = thinking_store(settings, preset, flags, script=script, model=model)
    loaded = store.load()
    tell_hidden(loaded)
    listening = bind(loaded.server)
    with listening:
        load_voice(loaded.server.voice)
        app = create_app(loaded.server, talking=Talking(loaded.settings), store=store)
        serving, url = server(app), url_of(listening)
        if app.state.token:
            url += f"/?token={app.state.token}"
            say_note("only who knows this address, with its token, may come in; keep it to yourself")
        console.print(f"Rhapsode is on stage at [bold]{url}[/]  (Ctrl+C ends it)")
        if open_page:
            open_when_ready(serving, url, open_browser)
        serving.run(sockets=[listening])
