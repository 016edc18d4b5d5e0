"""`python -m darkdiff_cli`."""

from darkdiff_cli.app import main

if __name__ == "__main__":
    main()
