"""Settings: a TOML file and the environment become frozen values; all problems are reported at once."""
