"""Real engines for tests: SeaweedFS (S3) and PostgreSQL, on free loopback ports, ended with the test run.

`python -m testbed` (from tests/) keeps both up for work by hand.
"""
