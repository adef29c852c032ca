"""AdmissionReview over HTTPS."""
