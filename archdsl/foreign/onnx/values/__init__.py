"""What is known is computed: constants, and the arithmetic of sizes, over symbols; importing this registers all."""

from archdsl.foreign.onnx.values import arithmetic as arithmetic, making as making, views as views
