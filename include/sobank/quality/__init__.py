"""Data contracts (ODCS YAML) → Great Expectations suites and row masks → a verdict per statement (DESIGN §7)."""
