"""Native policies: load, match, evaluate, mutate, compose messages, as the API server does."""
