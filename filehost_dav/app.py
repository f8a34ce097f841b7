"""The composition root: a Config becomes a WSGI application. It wires, it computes nothing."""
