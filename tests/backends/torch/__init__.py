"""Generated PyTorch modules."""
