"""The one source of each lesson, in cells. `sources.py` reads these files as text and says how they are written; nothing imports them."""
