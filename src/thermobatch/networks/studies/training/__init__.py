"""R3: which loads does SGD of a committee solve, alone and as replicas, and how finely is it tuned?"""
