"""Users' files: the Tree contract, its local and its object implementation, trash, versions, quota."""
