"""What many policies have in common, worked out once for all of them."""
