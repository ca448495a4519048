"""Reading config.yaml: its files, notes on what it says, and complaints about what is wrong."""
