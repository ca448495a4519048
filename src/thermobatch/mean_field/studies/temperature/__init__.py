"""D4: how does the temperature depend on the batch and on its persistence? D3 draws the same experiment."""
