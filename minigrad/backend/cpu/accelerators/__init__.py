"""Optional code that makes the CPU faster. Each module's first lines name the plain code that it replaces, and what it gains."""
