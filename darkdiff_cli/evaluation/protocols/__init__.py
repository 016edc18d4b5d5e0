"""Which pairs are scored and how, the paper's tables, other people's scores."""
