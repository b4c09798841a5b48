"""`python -m neurarium`: the command line, for torchrun among others."""

import sys

from neurarium.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
