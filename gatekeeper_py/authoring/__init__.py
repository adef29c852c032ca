"""Tools of the policy author: lint, test suites, explain."""
