"""One file a command: options in, settings out, one call."""
