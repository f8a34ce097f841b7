"""`python -m filehost_dav` is the command `filehost-dav`."""

from filehost_dav.cli import main

if __name__ == "__main__":
    main()
