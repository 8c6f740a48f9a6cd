"""What holds for the project as a whole: floors, pages, determinism, how it is installed."""
