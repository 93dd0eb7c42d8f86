"""How fast, how lean and how faithfully the platform writes, against what a tutorial would do."""
