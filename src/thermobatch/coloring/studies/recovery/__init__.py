"""E4: how long do both dynamics take to find a planted colouring, and at which T and B are they fastest?"""
