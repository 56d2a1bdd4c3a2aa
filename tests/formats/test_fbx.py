"""FBX through Blender, and what is said where there is none; a small stand-in plays Blender here."""

import sys
from pathlib import Path

import pytest

from rhapsode.errors import AvatarError, FormatError, MissingExtraError
from rhapsode.formats import fbx, open_writer, save
from rhapsode.performance import Performance
from tests.formats.performances import avatar_file, face


def python_that(path: Path, code: str) -> str:
    """Write a program that stands in for a Python with Blender."""
    path.write_text(f"#!{sys.executable}\nimport sys, shutil\n{code}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.setenv("RHAPSODE_BPY_PYTHON", python_that(tmp_path / "python", "shutil.copy(*sys.argv[2:4])"))
    return tmp_path / "out"


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_blender_gets_the_avatar_as_gltf(folder):
    source = avatar_file(folder.parent / "tiny.vrm")
    save(Performance(face(20)), folder / "a.fbx", avatar=source)
    assert left_in(folder) == ["a.fbx"]
    assert (folder / "a.fbx").read_bytes()[:4] == b"glTF"


def test_the_arguments_of_blender(folder, monkeypatch):
    code = "open(sys.argv[3], 'w').write(' '.join(sys.argv[4:]))"
    monkeypatch.setenv("RHAPSODE_BPY_PYTHON", python_that(folder.parent / "python", code))
    source = avatar_file(folder.parent / "tiny.vrm")
    save(Performance(face(50)), folder / "a.fbx", avatar=source)
    assert (folder / "a.fbx").read_text() == "30.0 30"
    save(Performance(face(50)), folder / "a.fbx", avatar=source, fps="29.97")
    assert (folder / "a.fbx").read_text() == "29.97002997002997 30"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print('Traceback', file=sys.stderr); sys.exit('OSError: full')", "file: OSError: full;"),
        ("sys.exit(3)", "the FBX file: exit status 3;"),
        ("pass", "the FBX file: exit status 0;"),
    ],
)
def test_a_blender_that_fails_leaves_nothing(folder, monkeypatch, code, message):
    monkeypatch.setenv("RHAPSODE_BPY_PYTHON", python_that(folder.parent / "python", code))
    (folder / "a.fbx").write_text("old")
    with pytest.raises(FormatError) as raised:
        save(Performance(face(5)), folder / "a.fbx", avatar=avatar_file(folder.parent / "tiny.vrm"))
    assert message in str(raised.value)
    assert left_in(folder) == ["a.fbx"]
    assert (folder / "a.fbx").read_text() == "old"


def test_a_python_without_blender_is_named(folder, monkeypatch):
    code = "sys.exit(\"ModuleNotFoundError: No module named 'bpy'\")"
    monkeypatch.setenv("RHAPSODE_BPY_PYTHON", python_that(folder.parent / "python", code))
    with pytest.raises(MissingExtraError, match=r"got '.*python' without bpy; run scripts/blender_env\.sh"):
        save(Performance(face(5)), folder / "a.fbx", avatar=avatar_file(folder.parent / "tiny.vrm"))
    assert left_in(folder) == []


def test_without_blender_it_says_how_to_get_it_before_any_work(folder, monkeypatch):
    monkeypatch.setenv("RHAPSODE_BPY_PYTHON", str(folder / "nowhere"))
    with pytest.raises(MissingExtraError, match=r"which is no program; run scripts/blender_env\.sh"):
        open_writer(folder / "a.fbx")
    monkeypatch.delenv("RHAPSODE_BPY_PYTHON")
    monkeypatch.setattr(fbx, "__file__", str(folder / "a" / "b" / "c" / "fbx.py"))
    monkeypatch.chdir(folder)
    with pytest.raises(MissingExtraError, match=r"got none; .*or set RHAPSODE_BPY_PYTHON to a Python 3\.11"):
        open_writer(folder / "a.fbx")
    assert left_in(folder) == []


def test_wrong_avatars_errors_and_empty_takes_leave_nothing(folder):
    with pytest.raises(AvatarError):
        open_writer(folder / "a.fbx", avatar="nobody")
    with pytest.raises(FormatError, match="at least one curve frame"):
        save(Performance(face(0)), folder / "a.fbx")
    with pytest.raises(KeyboardInterrupt), open_writer(folder / "a.fbx") as out:  # noqa: PT012
        out.write(Performance(face(5)))
        assert len(left_in(folder)) == 2
        raise KeyboardInterrupt
    assert left_in(folder) == []
