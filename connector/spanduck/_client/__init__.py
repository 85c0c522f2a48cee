"""What `SpansClient` is made of: one class for each thing that it does, over one connection."""
