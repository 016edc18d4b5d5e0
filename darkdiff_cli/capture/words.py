"""The settings of a shot in words, as photographers write them; None stays None."""


def shutter(seconds: float | None) -> str | None:
    """An exposure time: "1/30 s" or "2.5 s"."""
    if seconds is None or seconds <= 0:
        return None
    if seconds >= 0.3:
        return f"{seconds:.3g} s"
    return f"1/{1 / seconds:.{0 if seconds < 0.1 else 1}f} s".replace(".0 ", " ")


def f_number(aperture: float | None) -> str | None:
    """An aperture: "f/1.8"."""
    return None if aperture is None or aperture <= 0 else f"f/{aperture:.3g}"


def camera(make: str | None, model: str | None) -> str | None:
    """Make and model; many models name their make themselves."""
    make, model = make or "", model or ""
    repeated = bool(make) and model.lower().startswith(make.split()[0].lower())
    return (model if repeated else f"{make} {model}".strip()) or None


def moment(date: str | None) -> str | None:
    """An EXIF date "2024:01:02 03:04:05" as "2024-01-02 03:04:05"."""
    return None if date is None else date[:10].replace(":", "-") + date[10:]
