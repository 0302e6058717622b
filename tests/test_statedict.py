"""State dicts: the same tensors as torch reads, and nothing of a hostile file ever runs."""

from __future__ import annotations

import pickle
import subprocess
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from audit.errors import ScorerError
from audit.statedict import read_state_dict


def save(path: Path, program: bytes, **numbers: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("head/data.pkl", program)
        for key, data in numbers.items():
            archive.writestr(f"head/data/{key.removeprefix('n')}", data)
    return path


def test_tensors_are_those_torch_saved(tmp_path: Path) -> None:
    saved = {
        "weight": torch.randn(3, 4),
        "turned": torch.randn(4, 3).T,  # strides that are not the usual ones
        "part": torch.arange(20.0)[5:9],  # begins inside its numbers
        "half": torch.randn(2).half(),
        "whole": torch.arange(3),
        "none": torch.zeros(0, 4),
    }
    torch.save(saved, tmp_path / "a.pth")
    found = read_state_dict(tmp_path / "a.pth")
    assert list(found) == list(saved)
    for name, tensor in saved.items():
        np.testing.assert_array_equal(found[name], tensor.numpy())
        assert found[name].flags.owndata


def test_a_modules_state_dict_is_read(tmp_path: Path) -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.BatchNorm1d(2))
    torch.save(layer.state_dict(), tmp_path / "a.pth")
    found = read_state_dict(tmp_path / "a.pth")
    assert {k: v.shape for k, v in found.items()} == {
        k: tuple(v.shape) for k, v in layer.state_dict().items()
    }


class Runs:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return subprocess.call, (["touch", str(self.path)],)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_hostile_program_is_refused_in_one_line_and_not_run(
    tmp_path: Path, protocol: int
) -> None:
    mark = tmp_path / "ran"
    for hostile in (Runs(mark), OrderedDict(weight=Runs(mark))):
        path = save(tmp_path / "a.pth", pickle.dumps(hostile, protocol))
        with pytest.raises(ScorerError, match="refused, it .*nothing was run") as caught:
            read_state_dict(path)
        assert "\n" not in str(caught.value)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Runs(mark)))  # the file would have done it
    assert mark.exists()


def test_a_name_that_is_allowed_may_not_be_called_on_other_things(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pth", pickle.dumps(OrderedDict([("a", OrderedDict(b=1))]), 2))
    with pytest.raises(ScorerError, match="a.pth"):
        read_state_dict(path)


def program(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """A state dict of one tensor over the four numbers called '0', instruction by instruction."""

    def number(n: int) -> bytes:
        return b"J" + n.to_bytes(4, "little", signed=True)

    def several(ns: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, ns)) + b"t"

    def word(text: bytes) -> bytes:
        return b"X" + len(text).to_bytes(4, "little") + text

    about = word(b"storage") + b"ctorch\nFloatStorage\n" + word(b"0") + word(b"cpu") + number(4)
    storage = b"(" + about + b"tQ"
    arguments = b"(" + storage + number(offset) + several(shape) + several(strides) + b"\x89Nt"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"
    return b"\x80\x02}" + word(b"a") + tensor + b"s."


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (5,), (1,)),  # one more than there are
        (3, (2,), (1,)),
        (0, (2, 2), (3, 1)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (1_000_000, 1_000_000), (0, 0)),  # four numbers made a trillion
        (0, (2, 2), (1,)),
    ],
)
def test_a_tensor_outside_its_numbers_is_refused(
    tmp_path: Path, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    four = np.arange(4, dtype="<f4").tobytes()
    sound = save(tmp_path / "sound.pth", program(0, (2, 2), (2, 1)), n0=four)
    np.testing.assert_array_equal(read_state_dict(sound)["a"], [[0, 1], [2, 3]])
    path = save(tmp_path / "a.pth", program(offset, shape, strides), n0=four)
    with pytest.raises(ScorerError, match="damaged"):
        read_state_dict(path)


def test_whatever_is_cut_or_flipped_ends_in_our_error(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "sound.pth")
    with zipfile.ZipFile(tmp_path / "sound.pth") as archive:
        sound = archive.read("sound/data.pkl")
    rng = np.random.default_rng(0)
    four = np.ones(2, "<f4").tobytes()
    read = 0
    for _ in range(300):
        data = bytearray(sound)
        data[rng.integers(len(data))] = rng.integers(256)
        path = save(tmp_path / "a.pth", bytes(data[: rng.integers(1, len(data) + 1)]), n0=four)
        try:
            read_state_dict(path)
            read += 1
        except ScorerError as error:
            assert "\n" not in str(error)
    assert read < 300


def test_what_is_no_archive_says_so(tmp_path: Path) -> None:
    (tmp_path / "old.pth").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ScorerError, match="no zip archive"):
        read_state_dict(tmp_path / "old.pth")
    with pytest.raises(ScorerError, match="cannot be read"):
        read_state_dict(tmp_path / "missing.pth")
