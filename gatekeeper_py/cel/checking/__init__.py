"""Types of trees: what names mean, which overloads fit, what cel-go refuses."""
