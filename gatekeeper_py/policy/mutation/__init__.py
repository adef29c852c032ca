"""What a mutating policy makes of an object."""
