"""Programs that make values again: expressions for them, and the imports and definitions that these need."""
