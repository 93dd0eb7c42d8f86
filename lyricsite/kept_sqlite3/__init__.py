"""Django's SQLite, but that a closed connection is kept for the next who opens one."""
