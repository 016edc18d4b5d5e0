"""A look before the wait: what is shown of each raw (shown) -> its pictures (pictures, crop) -> the sheet (sheet)."""
