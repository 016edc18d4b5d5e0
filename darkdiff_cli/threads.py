"""How the threads of the networks wait for each other on the processor."""

import os


def let_threads_sleep() -> None:
    """Have OpenMP's threads sleep while they wait, for the rest of this process; the user's own setting stays.

    By default they spin, so as to go on a little sooner. Where other programs run beside this one, a thread that spins
    takes the very core that the thread it waits for would need, and a network takes many times as long. OpenMP reads
    the setting when torch is imported, so this comes first. See OMP_WAIT_POLICY in the OpenMP specification.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
