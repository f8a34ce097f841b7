"""The server's own records: users, locks, dead properties and whatever must survive a restart."""
