"""Write and read NetCDF files that are byte-stable, atomic and self-checking.

A file is written beside its place and renamed when complete, holds no date or host, and carries a checksum of its
whole content in the attribute `checksum`; `read_dataset` verifies it. Behind the data, where NetCDF libraries do not
look, stands a checksum of the file itself. It is verified before a library opens the file, because a damaged one can
crash the library, and the process with it.
"""

import hashlib
import itertools
import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import netCDF4
import numpy as np
import xarray as xr

from thermobatch.foundation.files import replaced_when_complete
from thermobatch.pipeline.errors import DamagedFileError

SEAL = b"\nthermobatch sha256 "
SEALED = len(SEAL) + 2 * hashlib.sha256().digest_size + 1
BLOCK = 1 << 20


def write_dataset(dataset: xr.Dataset, path: str | Path) -> None:
    """Write `dataset` to a NetCDF file, atomically, with its checksum."""
    write_groups({"/": dataset}, path)


def write_groups(datasets: Mapping[str, xr.Dataset], path: str | Path) -> None:
    """Write several datasets as the groups of one NetCDF file, atomically, each with its checksum."""
    with replaced_when_complete(path) as temporary:
        for mode, (group, dataset) in zip(
            itertools.chain("w", itertools.repeat("a")), datasets.items(), strict=False
        ):
            dataset = dataset.assign_attrs(checksum=content_checksum(dataset))
            try:
                dataset.to_netcdf(
                    temporary,
                    mode=mode,
                    group=group,
                    engine="netcdf4",
                    format="NETCDF4",
                    encoding=_compressed(dataset),
                )
            except (OSError, RuntimeError):
                _raise_if_no_room(temporary, dataset.nbytes)
                raise
        with temporary.open("ab") as file:
            file.write(SEAL + _file_checksum(temporary, temporary.stat().st_size) + b"\n")


def _file_checksum(path: Path, size: int) -> bytes:
    """Return the SHA-256 of the first `size` bytes of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (block := file.read(min(BLOCK, size))):
            digest.update(block)
            size -= len(block)
    return digest.hexdigest().encode()


def _check_seal(path: Path) -> None:
    """Raise DamagedFileError unless the file is, byte for byte, as it was written here."""
    size = max(path.stat().st_size - SEALED, 0)
    with path.open("rb") as file:
        file.seek(size)
        seal = file.read()
    if not seal.startswith(SEAL) or len(seal) != SEALED:
        raise DamagedFileError(
            f"{path}: damaged, or not written by thermobatch: it does not end with its checksum. {rebuild(path)}"
        )
    if seal[len(SEAL) : -1] != _file_checksum(path, size):
        raise DamagedFileError(f"{path}: damaged, its content does not match its checksum. {rebuild(path)}")


def _raise_if_no_room(path: Path, size: int) -> None:
    """Raise the OSError that the NetCDF library hides behind "HDF error" when a file cannot grow any more."""
    try:
        with path.open("ab") as file:
            start = file.tell()
            _reserve(file, start, size + 65536)
            file.truncate(start)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path.parent)) from None


def _reserve(file: BinaryIO, start: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), start, size)
        return
    for written in range(0, size, 1 << 20):  # macOS has no such call: write it
        file.write(bytes(min(1 << 20, size - written)))
    file.flush()
    os.fsync(file.fileno())


def _compressed(dataset: xr.Dataset) -> dict:
    """Numbers are compressed lightly; text and scalars cannot be."""
    return {
        name: {"zlib": True, "complevel": 1, "shuffle": True}
        for name, variable in dataset.variables.items()
        if variable.ndim and variable.dtype.kind in "iufb"
    }


def read_dataset(path: str | Path, group: str = "/") -> xr.Dataset:
    """Read a NetCDF file (or one group of it) into memory and verify its checksum.

    Raises
    ------
    DamagedFileError
        If the file is missing, truncated or altered; the message names it and the command that rebuilds it.
    """
    with opened(path) as read:
        return read(group)


@contextmanager
def opened(path: str | Path) -> Iterator[Callable[[str], xr.Dataset]]:
    """Open a file once and yield what reads its groups as `read_dataset` does: opening a file of many takes long."""
    path = Path(path)
    if not path.is_file():
        raise DamagedFileError(f"{path}: no such file. {rebuild(path)}")
    with _as_damaged(path):
        _check_seal(path)
        file = netCDF4.Dataset(path)
    with closing(file):
        yield lambda group: _read_group(file, path, group)


def _read_group(file: netCDF4.Dataset, path: Path, group: str) -> xr.Dataset:
    with _as_damaged(path):
        store = xr.backends.NetCDF4DataStore(file if group == "/" else file[group])
        dataset = xr.open_dataset(store).load()
    expected = dataset.attrs.get("checksum")
    if expected is None:
        raise DamagedFileError(f"{path}: has no checksum, so thermobatch did not write it. {rebuild(path)}")
    if content_checksum(dataset) != expected:
        raise DamagedFileError(f"{path}: damaged, its content does not match its checksum. {rebuild(path)}")
    for variable in dataset.variables.values():
        variable.encoding.clear()
    dataset.encoding.clear()
    dataset.set_close(None)  # all is in memory: a reference to the file would keep it from being pickled
    return dataset


@contextmanager
def _as_damaged(path: Path) -> Iterator[None]:
    """Say of which file the NetCDF library complains, and what to do."""
    try:
        yield
    except DamagedFileError:
        raise
    except (OSError, RuntimeError, ValueError, LookupError) as error:
        raise DamagedFileError(f"{path}: damaged, cannot be read ({error}). {rebuild(path)}") from None


def rebuild(path: str | Path) -> str:
    """Return the advice that ends every message about a file that cannot be used."""
    return f"Rebuild it with: snakemake --cores 1 --force {shlex.quote(str(path))}"


def content_checksum(dataset: xr.Dataset) -> str:
    """Return a SHA-256 of names, dimensions, attributes and values (not of the file's layout)."""
    digest = hashlib.sha256(_canonical(dataset.attrs).encode())
    for name in sorted(map(str, dataset.variables)):
        variable = dataset.variables[name]
        values = np.ascontiguousarray(variable.values)
        header = [
            name,
            list(variable.dims),
            list(values.shape),
            _canonical(variable.attrs),
            name in dataset.coords,
        ]
        digest.update(json.dumps(header).encode())
        if values.dtype.kind in "OUS":
            digest.update(json.dumps([str(value) for value in values.ravel()]).encode())
        else:
            digest.update(values.dtype.newbyteorder("<").str.encode())
            digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def _canonical(attributes: dict) -> str:
    """Attributes as stable text: numpy scalars and arrays become plain numbers, the checksum itself is left out."""
    plain = {key: np.asarray(value).tolist() for key, value in attributes.items() if key != "checksum"}
    return json.dumps(plain, sort_keys=True)
