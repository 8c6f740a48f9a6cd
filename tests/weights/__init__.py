"""Weight files: readers, maps, and whose tensor is whose."""
