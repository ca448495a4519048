"""D2: how does the error of the solver fall, and the published curve. The latter is in the data of D1 (`learning`)."""
