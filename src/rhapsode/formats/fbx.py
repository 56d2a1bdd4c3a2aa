"""FBX (.fbx): the animated avatar, written by Blender in an environment of its own.

Blender as a Python module (bpy) needs NumPy 1, so it is not installed beside this package. The Python that
has it is named by the environment variable RHAPSODE_BPY_PYTHON, or made in the checkout by
``scripts/blender_env.sh``. The avatar goes there as glTF (`rhapsode.formats.glb`); shape keys and bones come
back as one animation, one key each frame. Blender is GPL software of its own: it is run, not imported.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import NamedTemporaryFile

from rhapsode.errors import FormatError, MissingExtraError
from rhapsode.formats.glb import GlbWriter
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import Performance

VARIABLE = "RHAPSODE_BPY_PYTHON"
_SCRIPT = Path(__file__).with_name("fbx_blender.py")
_PATIENCE_S = 3600


class BlenderMissingError(MissingExtraError):
    """Blender's Python module is nowhere to be found."""

    def __init__(self, got: str) -> None:
        Exception.__init__(
            self,
            f"FBX needs Blender as a Python module, got {got}; run scripts/blender_env.sh in the checkout, "
            f"or set {VARIABLE} to a Python 3.11 with bpy (pip install bpy==4.5.15 'numpy<2')",
        )
        self.extra = ""


def blender_python() -> Path:
    """Return the Python that has Blender's module.

    Raises:
        BlenderMissingError: there is none; the message says how to get it.

    """
    given = os.environ.get(VARIABLE)
    if given:
        if not os.access(given, os.X_OK):
            raise BlenderMissingError(f"{VARIABLE}='{given}', which is no program")
        return Path(given)
    for folder in (Path(__file__).parents[3], Path.cwd()):
        python = folder / ".venv-bpy" / "bin" / "python"
        if python.is_file():
            return python
    raise BlenderMissingError("none")


class FbxWriter:
    """Writes a glTF file beside the target and lets Blender turn it into FBX at the end.

    See `rhapsode.formats.registry.Writer`.

    Raises:
        BlenderMissingError: there is no Blender.
        AvatarError: the avatar cannot be read, or has no morph targets.

    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._python = blender_python()
        self._path = path
        with NamedTemporaryFile(
            dir=path.parent, prefix=".rhapsode-", suffix=".part.glb", delete=False
        ) as made:
            self._middle = Path(made.name)
        try:
            self._glb = GlbWriter(self._middle, options)
        except BaseException:
            self._middle.unlink()
            raise
        self._rate = 0.0
        self._frames = 0

    def write(self, part: Performance) -> None:
        """Keep the next part."""
        self._glb.write(part)
        self._rate = float(part.face.rate)
        self._frames += len(part.face)

    def close(self) -> None:
        """Let Blender write the file.

        Raises:
            FormatError: there are no curve frames, or Blender failed.

        """
        if not self._frames:
            raise FormatError(
                "an FBX file needs at least one curve frame, got an empty performance; give some sound"
            )
        try:
            self._glb.close()
            self._convert()
        finally:
            self._middle.unlink(missing_ok=True)

    def abort(self) -> None:
        """Let go of everything."""
        self._glb.abort()
        self._middle.unlink(missing_ok=True)

    def _convert(self) -> None:
        job = [self._python, _SCRIPT, self._middle, self._path, repr(self._rate), str(self._frames)]
        try:
            made = subprocess.run(
                list(map(str, job)), capture_output=True, text=True, timeout=_PATIENCE_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise FormatError(
                f"Blender took more than {_PATIENCE_S} s for {self._frames} frames; write a shorter take"
            ) from error
        if made.returncode or not self._path.stat().st_size:
            said = [line for line in (made.stderr or made.stdout).splitlines() if line.strip()]
            if any("No module named 'bpy'" in line for line in said):
                raise BlenderMissingError(f"'{self._python}' without bpy")
            last = said[-1].strip() if said else f"exit status {made.returncode}"
            raise FormatError(
                f"Blender could not write the FBX file: {last}; write .glb and convert it in Blender by hand"
            )
