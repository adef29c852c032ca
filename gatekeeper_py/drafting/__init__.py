"""Looks at a cluster that already runs and drafts a first folder of policies for it. Writes nothing."""
