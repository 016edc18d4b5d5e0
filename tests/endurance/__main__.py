"""`python -m tests.endurance`. Light, for every process of a batch imports it anew."""

import os

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"  # a pool of threads does not survive the fork of `given.Program`
    from tests.endurance.command import main

    main()
