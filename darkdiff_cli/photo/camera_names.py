"""The name by which a raw converter finds its profile of a camera: DNG's UniqueCameraModel."""

import re

BRANDS = {
    "canon": "Canon", "creo/leaf": "Leaf", "eastman kodak": "Kodak", "fujifilm": "Fujifilm", "kodak": "Kodak",
    "konica minolta": "Konica Minolta", "leica": "Leica", "mamiya": "Mamiya", "minolta": "Minolta", "nikon": "Nikon",
    "olympus": "Olympus", "om digital solutions": "OM Digital Solutions", "panasonic": "Panasonic", "pentax": "Pentax",
    "phase one": "Phase One", "ricoh": "Ricoh", "samsung": "Samsung", "seiko epson": "Epson", "sony": "Sony",
}  # fmt: skip
"""Adobe's name of a maker by how the maker's own begins, in lower case."""
MARKS = ((r"(?<=\w)Mark(?=[IV]+$)", " Mark "), (r"(?<=\d)m2$", " Mark II"))
"""How Olympus and Canon shorten the mark of a model, and how Adobe writes it."""


def camera_name(make: str, model: str) -> str:
    """Brand and model as Adobe's converter names them: "Nikon D750" of "NIKON CORPORATION" and "NIKON D750".

    Most names of the cameras in https://github.com/darktable-org/rawspeed (data/cameras.xml, `ID`) follow this rule.
    Those that do not are names for one country (Canon's Kiss and Rebel, Panasonic's TZ), and digital backs.
    """
    for pattern, mark in MARKS:
        model = re.sub(pattern, mark, model)
    # The model comes first: Ricoh makes Pentax.
    known = (brand for text in (model, make) for start, brand in BRANDS.items() if text.lower().startswith(start))
    brand = next(known, None)
    if brand is None:
        return model if model.lower().startswith(make.partition(" ")[0].lower()) else f"{make} {model}".strip()
    repeated = f"{model} ".lower().startswith(f"{brand} ".lower())
    return f"{brand} {model[len(brand) :].strip() if repeated else model}".strip()
