"""Numbers with an SI prefix, as the reports show them."""


def format_units(value: float, *, digits: int = 3, separator: str = " ") -> str:
    """Scale to k, M or G: 4561728 is `4.562 M`; with `digits=1, separator=''` it is `4.6M`.

    Whole numbers below 1000 are shown as they are.
    """
    for scale, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        # Compare what will be printed, so that 999,950 is not shown as 1000.0k.
        if round(abs(value) / scale, digits) >= 1:
            return f"{value / scale:.{digits}f}{separator}{prefix}"
    return str(int(value)) if float(value).is_integer() else f"{value:.{digits}f}"
