"""D3: do fluctuation and response define one temperature of SGD? The experiment is D4's (`temperature`)."""
