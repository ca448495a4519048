"""E2: which temperature is a mini-batch, and do the closed forms give it?"""
