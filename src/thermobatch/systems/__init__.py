"""What has an energy or a loss: instances, their energies and their file formats."""
