"""What two tenants apply, and the demo that applies it."""
