"""Many files: which jobs there are, and a bounded pipeline that does them."""
