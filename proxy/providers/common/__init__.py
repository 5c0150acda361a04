"""What several vendors need alike. Knows none of them."""
