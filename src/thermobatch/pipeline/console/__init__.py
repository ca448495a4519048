"""What people see of a run: its progress, its end, and summaries of results."""
