"""D5: how far apart do two runs with other batches end?"""
