"""What each tenant's pods cost: what they ask for, by the scheduler's rule, times a price sheet."""
