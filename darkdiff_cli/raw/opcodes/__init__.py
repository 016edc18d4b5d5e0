"""Opcodes of a DNG: corrections that the file asks for, read from its lists, judged, and done."""
