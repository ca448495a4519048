"""What people see of a run: progress, and summaries of results."""
