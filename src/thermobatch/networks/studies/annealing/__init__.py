"""R2: how does the cost of annealing grow with the size, alone and as coupled replicas?"""
