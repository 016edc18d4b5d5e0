"""`darkdiff` and `python -m darkdiff_cli`.

The process that decodes raws imports this file anew, so it imports the program only to run it.
"""


def main() -> None:
    """Run the program on the words of the command line."""
    from darkdiff_cli.app import main as run

    run()


if __name__ == "__main__":
    main()
