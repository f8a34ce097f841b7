"""Settings: a TOML file and the environment become frozen values; all problems are reported at once."""

from filehost_dav.config.loading import load
from filehost_dav.config.sections import Config

__all__ = ["Config", "load"]
