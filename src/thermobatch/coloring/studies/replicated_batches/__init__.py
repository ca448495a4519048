"""R8: do mini-batches of edges and of replicas do what temperature and coupling do?"""
