"""What the dynamics should give: closed forms and mean-field equations (imports neither systems nor dynamics)."""
