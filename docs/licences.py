"""Under which licences the packages are that the program needs at run time: a table, and an error where one may not be.

Allowed are licences that ask for no more than to be named (MIT, BSD, Apache and their like) or that reach no further
than their own files (MPL). The GPL and its kin are not: whoever passes on a program with such a package has to pass on
all of it under that licence, which the Apache License of this program asks of nobody. Neither are packages for
non-commercial use, nor those that name no licence. The extras are not looked at: what they bring is the choice of
whoever installs them (pyexiv2 of `metadata` is under the GPL, bm3d of `bench` for non-commercial use).
"""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

ALLOWED = frozenset({
    "mit", "mit-cmu", "hpnd", "isc", "zlib", "bsl-1.0", "unlicense", "cc0-1.0", "psf-2.0", "cnri-python", "mpl-2.0",
    "0bsd", "bsd", "bsd-2-clause", "bsd-3-clause", "apache-2.0", "apache-2.0 with llvm-exception",
})  # fmt: skip
SPELLINGS = {
    "apache": "apache-2.0", "apache 2.0": "apache-2.0", "apache 2.0 license": "apache-2.0", "bsd license": "bsd",
    "apache software license": "apache-2.0", "mit license": "mit", "isc license (iscl)": "isc", "isc license": "isc",
    "mozilla public license 2.0 (mpl 2.0)": "mpl-2.0", "python software foundation license": "psf-2.0",
}  # fmt: skip
READ = {"exifread": "BSD-3-Clause"}
"""Licences that somebody read, of packages whose metadata holds the text and no name."""
OF_TORCH = re.compile(r"(nvidia|cuda)-")
"""Libraries that torch's builds for NVIDIA GPUs ask for; the user gets them from NVIDIA, under its terms."""


def needed(name: str, found: dict[str, Distribution | None] | None = None) -> dict[str, Distribution | None]:
    """The packages that a package needs at run time, and those that they need; None for one that is not installed."""
    found = {} if found is None else found
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in found:
        return found
    try:
        found[key] = distribution(name)
    except PackageNotFoundError:
        found[key] = None
        return found
    for line in found[key].requires or []:
        requirement = Requirement(line)
        extras = ("", *requirement.extras)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            needed(requirement.name, found)
    return found


def licence_of(name: str, package: Distribution) -> str:
    """The licence that a package's metadata names, as an SPDX expression where it has one."""
    fields = package.metadata
    kinds = [line.rpartition(":: ")[2] for line in fields.get_all("Classifier") or [] if line.startswith("License ::")]
    named = fields.get("License-Expression") or READ.get(name) or " AND ".join(kinds) or fields.get("License")
    return " ".join((named or "none named").split())


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression leaves a choice of licences that are all allowed.

    One with parentheses is refused until somebody has read it, see `READ`.
    """
    return any(all(_named(one) in ALLOWED for one in part.split(" AND ")) for part in expression.split(" OR "))


def _named(licence: str) -> str:
    name = licence.strip().lower()
    return SPELLINGS.get(name, name)


def main() -> int:
    """Print the table; returns 1 where a licence is not allowed."""
    packages = {name: package for name, package in sorted(needed("darkdiff").items()) if package is not None}
    table = {name: licence_of(name, package) for name, package in packages.items()}
    refused = [name for name, licence in table.items() if not (OF_TORCH.match(name) or is_allowed(licence))]
    for name, licence in table.items():
        print(f"{name:<24}{packages[name].version:<18}{licence}")
    for name in refused:
        print(f"{name}: {table[name]} is not allowed, see {__file__}", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
