"""The one exception for what a user can mend: its message names the place and the remedy."""


class InputError(ValueError):
    """Input that cannot be used: the message says which file or key, why, and what to do."""
