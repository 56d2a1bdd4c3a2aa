"""Puts the stage into OBS Studio as a browser source, over obs-websocket (extra ``obs``: simpleobsws)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from rhapsode.errors import MissingExtraError, SinkError
from rhapsode.protocols.obs import (
    CURRENT_SCENE,
    INPUTS,
    BrowserSource,
    ObsRequest,
    names_of,
    scene_items,
    scene_of,
)

ANSWER_S = 8
"""How long OBS may take for an answer, seconds."""


async def put_on_stage(source: BrowserSource, address: str, *, password: str = "", scene: str = "") -> str:
    """Add ``source`` to a scene of OBS, or bring it up to date there.

    Args:
        source: what is added.
        address: of obs-websocket, such as "ws://127.0.0.1:4455".
        password: of obs-websocket; empty where it asks for none.
        scene: its name; empty takes the one on air.

    Returns:
        The name of the scene.

    Raises:
        MissingExtraError: simpleobsws is not installed.
        SinkError: OBS does not answer, or refuses.
        PacketError: OBS answers what nobody understands.

    """
    try:
        import simpleobsws
    except ImportError as error:
        raise MissingExtraError("simpleobsws", "obs") from error
    client = simpleobsws.WebSocketClient(url=address, password=password)
    try:
        async with asyncio.timeout(ANSWER_S):
            await client.connect()
            if not await client.wait_until_identified():
                raise SinkError(f"OBS at {address} did not let us in; check the password")
        scene = scene or scene_of(await _asked(client, CURRENT_SCENE))
        inputs = names_of(await _asked(client, INPUTS))
        items = names_of(await _asked(client, scene_items(scene)))
        for request in source.requests(scene, inputs=inputs, items=items):
            await _asked(client, request)
    except (OSError, TimeoutError, simpleobsws.NotIdentifiedError, simpleobsws.MessageTimeout) as error:
        raise SinkError(
            f"OBS does not answer at {address}; start it and switch on Tools > WebSocket Server Settings "
            f"({type(error).__name__})"
        ) from error
    finally:
        with contextlib.suppress(Exception):  # it is over; how the connection ends matters to nobody
            await client.disconnect()
    return scene


async def _asked(client: Any, request: ObsRequest) -> Mapping[str, Any]:
    import simpleobsws

    answer = await client.call(simpleobsws.Request(request.kind, dict(request.data)), timeout=ANSWER_S)
    if not answer.ok():
        why = answer.requestStatus.comment or f"code {answer.requestStatus.code}"
        raise SinkError(f"OBS refused {request.kind}: {why}")
    return answer.responseData or {}
