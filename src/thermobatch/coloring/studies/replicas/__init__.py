"""R7: does replication lower the recovery threshold of annealing?"""
