"""Files: refused with their name, written whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from placer.errors import InputError
from placer.files import read_text, write_atomic


def test_a_byte_order_mark_is_no_text(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf{}")
    assert read_text(path) == "{}"


def test_a_pipe_is_read(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=("a: 1\n",))
    writer.start()
    assert read_text(path) == "a: 1\n"
    writer.join()


def test_an_endless_device_is_refused():
    with pytest.raises(InputError, match="is a device"):
        read_text(Path(os.devnull))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "plan.json"
    path.write_text("old")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="cannot be written: No space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_is_as_readable_as_any_other(tmp_path):
    write_atomic(tmp_path / "ours", "text")
    (tmp_path / "plain").write_text("text")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_is_followed_and_kept(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_atomic(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


@pytest.mark.parametrize("name", ["", "absent/plan.json"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, name):
    with pytest.raises(InputError, match=str(tmp_path)):
        write_atomic(tmp_path / name, "text")
    assert list(tmp_path.iterdir()) == []
