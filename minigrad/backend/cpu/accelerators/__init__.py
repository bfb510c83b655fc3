"""Optional code that makes the CPU faster: each module names in its first lines the plain code that it replaces, and its gain."""
