"""What a graph takes and how it behaves: costs, memory, receptive fields, ranges. Tables out, nothing changed."""
