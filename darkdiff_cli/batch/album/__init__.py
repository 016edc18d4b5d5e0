"""The page that shows what a batch made: small pictures of each photo, their store, the page."""
