"""Which requests a policy and its bindings are about, and with which params."""
