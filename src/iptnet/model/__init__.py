"""The networks: importance maps and the modules that make them."""
