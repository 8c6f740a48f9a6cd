"""Execution with ONNX Runtime: sessions, inputs, outputs, and what works on this machine."""
