"""The server's image without a container engine: Debian by debootstrap, on it what the Dockerfile says."""
