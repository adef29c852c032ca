"""From manifests to policies, or to what is wrong with them."""
