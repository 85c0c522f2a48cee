"""What the command line shows and writes: results, failures, and how Ctrl-C ends them."""
