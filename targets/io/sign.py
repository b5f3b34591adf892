"""Sign of a grid's values: depths, positive down, or elevations, positive up."""


def holds_elevations(
    low: float, high: float, elevation: bool | None, is_depth: bool = False
) -> tuple[bool, tuple[str, ...]]:
    """Whether the values of a grid are elevations, and what had to be assumed to say so.

    Parameters
    ----------
    low, high : float
        Smallest and largest defined value of the grid; NaN if there is none.
    elevation : bool | None
        What the user says; None: values that are all negative are elevations.
    is_depth : bool, default False
        What the file says: its values are positive down.

    Returns
    -------
    is_elevation : bool
    notes : tuple[str, ...]
        One sentence if it was guessed or is in doubt, else none.

    Examples
    --------
    >>> holds_elevations(-1500.0, -1490.0, None)[0], holds_elevations(1490.0, 1500.0, None)
    (True, (False, ()))
    """
    if elevation is not None or not low < 0:
        return bool(elevation), ()
    values = f"{low:g} to {high:g}" if low < high else f"{low:g}"
    if high > 0:
        return False, (f"values on both sides of 0 ({values}) are read as depths, positive down; --elevation reads "
                       "them as elevations, positive up, --no_elevation confirms it",)  # fmt: skip
    if is_depth:
        return False, (f"all values are negative ({values}), but read as depths, positive down, as the file says; "
                       "--elevation reads them as elevations, positive up, --no_elevation confirms it",)  # fmt: skip
    return True, (f"all values are negative ({values}): read as elevations, positive up; --elevation confirms it, "
                  "--no_elevation reads them as depths, positive down",)  # fmt: skip
