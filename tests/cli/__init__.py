"""The command line: what is printed where, and how a process ends."""
