"""Calls to the REST half of the service: what goes in, and what is made of the answers."""
