"""What Kubernetes says of an object: kinds, schemas, selectors, defaults."""
