"""Print the measures of a face engine as one JSON document: python -m rhapsode.evaluate DATA."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rhapsode.evaluate.face import report
from rhapsode.face.engine import Engine


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with grid_s1/ and speech/")
    parser.add_argument("--corpus", type=Path, help="folder that recipes/corpus made")
    parser.add_argument("--engine", default="live", help="name of a shipped engine or path of a manifest")
    parser.add_argument("--style", help="a style of the engine; default: the engine's own")
    options = parser.parse_args()
    engine = Engine.load(options.engine)
    found = report(engine, options.data, corpus=options.corpus, style=options.style)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
