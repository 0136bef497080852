"""The one error of a company's database, whichever database that is."""


class DatabaseError(Exception):
    """The database cannot be used: one line that says why, and what to try."""

    def __init__(self, why: str, advice: str) -> None:
        """Put what the database said, which may be lines, into one."""
        super().__init__(f"{' '.join(why.split())} (try: {advice})")
