"""One policy over one request: its environment, variables, conditions and validations."""
