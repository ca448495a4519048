"""Run the command line: ``python -m thermobatch``."""

from thermobatch.pipeline.command_line import main

if __name__ == "__main__":
    raise SystemExit(main())
