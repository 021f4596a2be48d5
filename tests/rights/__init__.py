"""Who may do what, tried on every surface: profile × action × surface, from one written-out table."""
