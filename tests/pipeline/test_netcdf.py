"""Files: byte-stable, atomic, and never trusted when altered."""

import errno
import os
import time

import numpy as np
import pytest
import xarray as xr

from thermobatch.foundation.files import replaced_when_complete, write_text
from thermobatch.pipeline.netcdf import (
    DamagedFileError,
    content_checksum,
    read_dataset,
    write_dataset,
    write_groups,
)


def example() -> xr.Dataset:
    random = np.random.default_rng(0)
    return xr.Dataset(
        {
            "energy": (
                ("seed", "time"),
                random.random((3, 40)),
                {"units": "1", "long_name": "energy per vertex"},
            ),
            "accepted": (("seed", "time"), random.integers(0, 1000, (3, 40))),
            "colors": ("vertex", random.integers(0, 5, 100, dtype=np.uint8)),
            "solved": ("seed", np.array([True, False, True])),
            "scalar": ((), 1.5),
            "missing": ("seed", np.array([np.nan, 1.0, np.inf])),
        },
        coords={"time": np.arange(40), "point": ("seed", ["a=1", "b=2", "c=3"])},
        attrs={"title": "example", "seed": 3, "values": [1.0, 2.0]},
    )


def test_what_is_read_is_what_was_written(tmp_path):
    write_dataset(example(), tmp_path / "a.nc")
    found = read_dataset(tmp_path / "a.nc")
    xr.testing.assert_equal(found, example())
    assert {name: found[name].dtype for name in found} == {name: example()[name].dtype for name in example()}
    assert found.energy.attrs == example().energy.attrs


def test_bytes_depend_on_the_content_alone(tmp_path):
    write_dataset(example(), tmp_path / "a.nc")
    time.sleep(1.1)
    write_dataset(example(), tmp_path / "b.nc")
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.assign(energy=d.energy + 1e-12),
        lambda d: d.assign_attrs(title="other"),
        lambda d: d.rename(energy="enrgy"),
        lambda d: d.assign_coords(time=d.time + 1),
        lambda d: d.assign(energy=d.energy.assign_attrs(units="J")),
        lambda d: d.assign(accepted=d.accepted.astype("int32")),
        lambda d: d.assign_coords(point=("seed", ["a=1", "b=2", "c=4"])),
    ],
)
def test_the_checksum_sees_every_change(change):
    assert content_checksum(change(example())) != content_checksum(example())


def test_groups_are_independent(tmp_path):
    datasets = {f"instance={i}": example().assign_attrs(number=i) for i in range(3)}
    write_groups(datasets, tmp_path / "a.nc")
    for i in range(3):
        assert read_dataset(tmp_path / "a.nc", group=f"instance={i}").attrs["number"] == i
    with pytest.raises(DamagedFileError, match="--force"):
        read_dataset(tmp_path / "a.nc", group="instance=7")


def test_a_damaged_file_is_named_with_the_command_that_rebuilds_it(tmp_path):
    path = tmp_path / "results dir" / "a.nc"
    with pytest.raises(DamagedFileError, match=r"no such file.*snakemake --cores 1 --force '.*a\.nc'"):
        read_dataset(path)
    write_dataset(example(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedFileError, match="damaged"):
        read_dataset(path)
    path.write_bytes(b"")
    with pytest.raises(DamagedFileError, match="damaged"):
        read_dataset(path)


def test_no_flipped_byte_of_the_data_goes_unseen(tmp_path):
    """Flip bytes all over the file: reading fails or gives exactly the original values."""
    path = tmp_path / "a.nc"
    original = example().assign(noise=("sample", np.random.default_rng(1).random(5000)))
    write_dataset(original, path)
    whole, caught = path.read_bytes(), 0
    for position in range(0, len(whole), len(whole) // 150):
        altered = bytearray(whole)
        altered[position] ^= 0x55
        path.write_bytes(bytes(altered))
        try:
            found = read_dataset(path)
        except DamagedFileError:
            caught += 1
        else:
            xr.testing.assert_identical(found.drop_attrs(), original.drop_attrs())
    assert caught > 75, "most bytes of this file are data"


def test_an_interrupted_write_leaves_the_old_file_and_no_trace(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), replaced_when_complete(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.nc"
    write_dataset(example(), path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    with pytest.raises(OSError, match="No space"):
        write_dataset(example() + 1, path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.nc"]


def test_new_files_have_the_permissions_the_user_asked_for(tmp_path):
    previous = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(previous)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640
