"""`python -m spanduck`: the `spanduck` command where scripts are not on the path."""

from spanduck.cli import main

if __name__ == "__main__":
    main()
