"""A page on this machine on which policies are tried while they are written."""
