"""What there is at run time: values, what generated code calls, prices and budgets."""
