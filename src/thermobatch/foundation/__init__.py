"""What everything stands on: compilation, streams, arguments, files, times of records, names in Datasets."""
