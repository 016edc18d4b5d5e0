"""`python -m tests.kills`: rounds of kills, and long runs. Light, for every process of a batch imports it anew."""

if __name__ == "__main__":
    from tests.kills.command import main

    main()
