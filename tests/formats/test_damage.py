"""Animation files with a value replaced by something else give one clear error, or a performance."""

import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from rhapsode.errors import FormatError
from rhapsode.formats import load, save
from tests.formats.performances import avatar_file
from tests.formats.test_vrma import take

OTHERS: list[Any] = [None, -1, 0, 5, 10**6, "x", [], {}, 1e9, float("nan"), True, [1], {"a": 1}]


def places(tree: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    rows = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place for key, row in rows for place in ((*above, key), *places(row, (*above, key)))]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return the file with one value of its animation, extensions or nodes replaced."""
    size = struct.unpack_from("<I", data, 12)[0]
    tree = json.loads(data[20 : 20 + size])
    kinds = ("animations", "extensions", "nodes", "accessors", "bufferViews")
    place = chance.choice([one for one in places(tree) if one[0] in kinds])
    held = tree
    for key in place[:-1]:
        held = held[key]
    held[place[-1]] = chance.choice(OTHERS)
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + size :]
    head = struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(rest))
    return head + struct.pack("<I4s", len(text), b"JSON") + text + rest


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", [".vrma", ".glb"])
def test_a_replaced_value_is_survived(tmp_path: Path, kind: str) -> None:
    source = avatar_file(tmp_path / "tiny.vrm")
    data = save(take(4, moved=True), tmp_path / f"a{kind}", avatar=source).read_bytes()
    chance, said = random.Random(7), []
    for _ in range(80):
        (tmp_path / f"b{kind}").write_bytes(mutated(data, chance))
        try:
            load(tmp_path / f"b{kind}")
        except FormatError as error:
            said.append(str(error))
    assert 10 < len(said) < 80
    assert not any("\n" in line for line in said)
