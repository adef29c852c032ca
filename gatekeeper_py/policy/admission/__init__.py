"""What is asked and what is answered: requests, decisions, and how both are written."""
