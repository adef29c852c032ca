"""What is wrong with policies, or will be: every load error, and what the API server does not tell."""
