"""The commands: plain arguments in, an exit code out."""
