"""Files: byte-stable, atomic, and never trusted when altered."""

import errno
import os
import time

import netCDF4
import numpy as np
import pytest
import xarray as xr

from thermobatch.foundation.files import replaced_when_complete, write_text
from thermobatch.pipeline import netcdf
from thermobatch.pipeline.netcdf import (
    SEALED,
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


def test_no_flipped_byte_goes_unseen_and_no_library_opens_such_a_file(tmp_path, monkeypatch):
    """A damaged file can crash the NetCDF library, and the process with it."""
    path = tmp_path / "a.nc"
    write_dataset(example().assign(noise=("sample", np.random.default_rng(1).random(5000))), path)
    whole = path.read_bytes()
    monkeypatch.setattr(netCDF4, "Dataset", lambda *_: pytest.fail("a damaged file was opened"))
    for position in [*range(0, len(whole), len(whole) // 150), *range(len(whole) - SEALED, len(whole) - 1)]:
        altered = bytearray(whole)
        altered[position] ^= 0x55
        path.write_bytes(bytes(altered))
        with pytest.raises(DamagedFileError, match=r"damaged.* its checksum.*--force \S*a\.nc$") as told:
            read_dataset(path)
        assert str(told.value).count("Rebuild it with") == 1


def test_a_file_of_another_program_is_refused(tmp_path):
    example().to_netcdf(tmp_path / "a.nc")
    with pytest.raises(DamagedFileError, match="not written by thermobatch"):
        read_dataset(tmp_path / "a.nc")


def test_other_programs_read_the_files(tmp_path):
    write_groups({"/": example(), "instance=1": example() + 1}, tmp_path / "a.nc")
    for group, expected in (("/", example()), ("instance=1", example() + 1)):
        with xr.open_dataset(tmp_path / "a.nc", group=group) as found:
            xr.testing.assert_equal(found.load(), expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.assign(energy=d.energy + 1e-12), "does not match its checksum"),
        (lambda d: d.drop_attrs(deep=False), "has no checksum"),
    ],
)
def test_content_is_verified_whatever_the_file_says(change, words, tmp_path, monkeypatch):
    sums = content_checksum(example())
    monkeypatch.setattr(netcdf, "content_checksum", lambda dataset: sums)
    changed = change(example().assign_attrs(checksum=sums))
    monkeypatch.setattr(xr.Dataset, "assign_attrs", lambda self, **_: self)
    write_dataset(changed, tmp_path / "a.nc")
    monkeypatch.undo()
    with pytest.raises(DamagedFileError, match=words):
        read_dataset(tmp_path / "a.nc")


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
