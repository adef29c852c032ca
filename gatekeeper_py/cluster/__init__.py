"""What may be known of the cluster: kinds, schemas, defaults, and a snapshot of files or a live watch."""
