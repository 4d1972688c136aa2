"""Real speech out of Debian packages."""
