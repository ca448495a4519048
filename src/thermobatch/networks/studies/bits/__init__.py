"""R9: how do replicas help when the weights have several bits?"""
