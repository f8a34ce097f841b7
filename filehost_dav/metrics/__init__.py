"""Numbers for a monitoring system: counted in all workers, read at one address."""
