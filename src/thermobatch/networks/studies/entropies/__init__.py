"""R5: how many solutions are near a solution, in theory and by focusing belief propagation?"""
