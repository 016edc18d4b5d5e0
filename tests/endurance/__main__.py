"""`python -m tests.endurance`. Light, for every process of a batch imports it anew."""

if __name__ == "__main__":
    from tests.endurance.command import main

    main()
