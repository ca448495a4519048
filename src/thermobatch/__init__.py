"""Mini-batch size is a temperature."""

__version__ = "0.1.0"
