"""The subcommands of `minigrad`, one a module: `add_parser` declares the options, `run` does the work."""
