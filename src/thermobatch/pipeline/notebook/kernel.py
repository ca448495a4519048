"""The kernel of the workflow's notebooks: this interpreter, whatever Jupyter and IPython find on the user's machine."""

from pathlib import Path

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from traitlets.config import Config

# Files beside the notebook are no modules, and text is UTF-8.
PYTHON_OPTIONS = ("-P", "-X", "utf8")
# Notebooks draw by the library's defaults, not by a matplotlibrc.
FIRST_LINE = "import matplotlib; matplotlib.rcdefaults()"


class ThisInterpreter(AsyncKernelManager):
    """Starts the kernel with the interpreter of this process; no kernel is looked up by its name."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """What to start, in a folder of its own: no start-up files of the user's, no need for a writable home."""
        folder = Path(self.connection_file).parent
        kernel = get_kernel_dict(extra_arguments=[f"--IPKernelApp.exec_lines={FIRST_LINE}"])
        kernel["argv"][1:1] = PYTHON_OPTIONS
        kernel["env"] = {"IPYTHONDIR": str(folder), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        return KernelSpec(resource_dir=str(folder), **kernel)


def kernel_in(folder: str) -> dict:
    """Return what papermill takes to start `ThisInterpreter` with its files in a temporary folder."""
    connection = {"ThisInterpreter": {"connection_file": str(Path(folder) / "kernel.json")}}
    return {"kernel_manager_class": ThisInterpreter, "config": Config(connection)}
