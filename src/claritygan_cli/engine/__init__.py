"""Networks and losses as plain torch: no files, no printing, no global state."""
