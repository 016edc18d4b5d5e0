"""darkdiff: a raw photo processor for extreme low light (the program)."""
