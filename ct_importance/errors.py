"""What users can mend: one exception, whose message names the place and the remedy."""


class InputError(ValueError):
    """Input that cannot be used: the message says which file or key, why, and what to do."""


def first_line(error: BaseException, most: int = 200) -> str:
    r"""Return the first line of a library's error, as a message quotes it.

    >>> first_line(ValueError("no header\nin file"))
    'no header'
    """
    return str(error).strip().split("\n")[0][:most]
