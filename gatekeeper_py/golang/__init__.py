"""What Kubernetes shows of Go: its numbers, its quoting, its quantities. Below everything else."""
