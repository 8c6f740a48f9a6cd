"""ONNX files, and what ONNX Runtime and the reference evaluator make of them."""
