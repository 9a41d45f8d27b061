"""Models made smaller and faster."""
