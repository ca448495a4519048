"""The laws SGD and Langevin dynamics should settle in."""
