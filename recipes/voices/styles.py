"""Pack the style tables that ship with the package.

    npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz
    python recipes/voices/styles.py package/voices

Writes src/rhapsode/speech/kokoro/styles.npz (float16, one table a shipped voice) and styles.json (what is
shipped, and the sha256 of all 54 tables of the package, by which downloads are checked).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

SHIPPED = [
    *("af_heart", "am_michael", "bf_emma", "bm_george", "zf_xiaoxiao", "zm_yunxi", "jf_alpha", "jm_kumo"),
    *("ef_dora", "em_alex", "ff_siwis", "hf_alpha", "hm_omega", "if_sara", "im_nicola", "pf_dora", "pm_alex"),
]
HOME = Path(__file__).parents[2] / "src/rhapsode/speech/kokoro"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="voices/ of the npm package")
    folder = parser.parse_args().folder
    files = sorted(folder.glob("*.bin"))
    tables = {name: np.fromfile(folder / f"{name}.bin", np.float32).reshape(510, 256) for name in SHIPPED}
    halves: dict[str, Any] = {name: table.astype(np.float16) for name, table in tables.items()}
    np.savez_compressed(HOME / "styles.npz", **halves)
    manifest = {
        "source": "npm kokoro-js 1.2.1, voices/*.bin",
        "licence": "Apache-2.0",
        "shape": [510, 256],
        "shipped_sha256": hashlib.sha256((HOME / "styles.npz").read_bytes()).hexdigest(),
        "shipped": SHIPPED,
        "sha256": {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    }
    (HOME / "styles.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(f"{len(SHIPPED)} of {len(files)} tables, {(HOME / 'styles.npz').stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
