"""What a review costs over HTTPS, and what one tenant can take from the others."""
