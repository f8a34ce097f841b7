"""What the server says while it runs: a line per request, a line per event, in one of three shapes."""
