"""What a recipe says, and how its file is read."""
