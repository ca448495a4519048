"""What the dynamics of colourings should give: temperatures, phases and exact chains."""
