"""Help while a policy is written: what editors show of it, complete in it and propose."""
