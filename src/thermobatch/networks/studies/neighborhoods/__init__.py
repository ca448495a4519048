"""R6: how dense are the solutions around those that each algorithm finds?"""
