"""E6: where can annealing-like algorithms recover, predicted (reconstruction) and measured?"""
