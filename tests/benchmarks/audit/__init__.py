"""What an audit of many objects takes: time and memory."""
