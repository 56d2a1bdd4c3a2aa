"""``rhapsode audio2face``: the service of NVIDIA Audio2Face-3D, for clients written for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rhapsode.face.direction import Direction
    from rhapsode.live.sources.audio2face_grpc import Door


def audio2face(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 52_000,
    token: Annotated[
        str,
        typer.Option(
            envvar="RHAPSODE_AUDIO2FACE_TOKEN",
            help="What clients must send as metadata 'authorization: Bearer TOKEN'.",
        ),
    ] = "",
    cert: Annotated[Path | None, typer.Option(help="PEM file of a certificate: clients use TLS.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's private key.")] = None,
    client_ca: Annotated[
        Path | None, typer.Option(help="PEM file: only clients with a certificate of this authority.")
    ] = None,
    streams: Annotated[int, typer.Option(min=1, help="Streams served at once.")] = 10,
    workers: Annotated[int, typer.Option(min=1, help="Threads that animate.")] = 2,
    style: Annotated[
        str, typer.Option(help="Manner of speaking: natural, serious, lively or cartoon.")
    ] = "natural",
    strength: Annotated[float, typer.Option(help="Overall strength of the face, 0 to 2.")] = 1.0,
    controls: Annotated[Path | None, typer.Option(help="Controls file; what clients ask for wins.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of blinks, glances and head motion.")] = 0,
    engine: Annotated[str, typer.Option(help="Face engine: a shipped name or a manifest file.")] = "live",
) -> None:
    """Serve NVIDIA Audio2Face-3D's gRPC interface, so that its clients are animated by this engine.

    Clients need nothing but the address: `python3 a2f_3d.py run_inference talk.wav config_james.yml -u
    127.0.0.1:52000`. Beyond this machine a --token or --client-ca is needed.
    """
    from rhapsode.cli.controls import controls_of
    from rhapsode.cli.terminal import console, run_until_told, say_note
    from rhapsode.face.direction import Direction
    from rhapsode.live.sources.audio2face_grpc import Door

    turned, ignored = controls_of(controls, {}, [], [])
    for name in ignored:
        say_note(f"{controls}: {name} has no counterpart here and is left out")
    direction = Direction(engine, style, strength, seed, controls=turned)
    door = Door(host, port, token, cert, key, client_ca)
    door.check_reach()
    if token and cert is None and not door.is_loopback:
        say_note("the token travels in the clear; give --cert and --key to encrypt it")
    if run_until_told(_serve(door, direction, streams, workers)):
        console.print("ended")


async def _serve(door: Door, direction: Direction, streams: int, workers: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from rhapsode.cli.terminal import console
    from rhapsode.face.stream import FaceStream
    from rhapsode.live.sources.audio2face_grpc import Audio2FaceServer
    from rhapsode.server.audio2face import Audio2FaceService

    with ThreadPoolExecutor(workers, thread_name_prefix="audio2face") as pool:
        FaceStream(16_000, direction=direction)
        service = Audio2FaceService(pool, direction=direction)
        server = Audio2FaceServer(door, service.serve, max_streams=streams)
        await server.start()
        secure = "TLS" if door.certificate else "no TLS"
        console.print(
            f"Audio2Face-3D's service is at [bold]{door.host}:{server.port}[/] ({secure}; Ctrl+C ends it)"
        )
        try:
            await server.wait()
        finally:
            await server.stop()
