"""D3: do fluctuation and response define one temperature of SGD? Experiment and claims are D4's (`temperature`)."""
