"""HTTP on cheroot: strict parsing, bounded bodies, transfers, TLS, worker processes."""
