"""What a review costs."""
