"""Run the command line: ``python -m thermobatch``."""

import sys

if not sys.flags.safe_path:  # files of the working directory are no modules, whatever they are called
    sys.path.pop(0)

from thermobatch.pipeline.command_line import main

if __name__ == "__main__":
    raise SystemExit(main())
