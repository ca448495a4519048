"""What a study is: an experiment with its cost, claims with margins, a figure; and how studies are found."""
