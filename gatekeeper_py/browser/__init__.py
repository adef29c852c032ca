"""What keeps the pages that we serve and write apart from those of strangers."""
