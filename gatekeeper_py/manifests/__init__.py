"""Text in, documents with places out."""
