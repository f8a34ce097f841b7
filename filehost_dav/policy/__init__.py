"""What may be stored under which name: roles of names, types, content signatures."""
