"""Running a model; pictures and labels."""
