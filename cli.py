"""The command line from a checkout: `python cli.py check specs/`."""

from archdsl.cli import main

if __name__ == "__main__":
    main()
