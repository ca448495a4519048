"""D1: does mean-field theory give the learning curves of SGD, batches and momentum included? D2 and D7 draw it too."""
