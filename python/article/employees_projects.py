"""Ask a company's database for two things that do not depend on each other, each of which takes 2 s.

One after the other, in two threads, and with asyncio: who only waits for an answer can wait for two at once.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterable

import company
import options
from company import Row
from company_error import DatabaseError
from counting import print_time_since


def get_employees() -> list[Row]:
    """Return number, name and job of every employee."""
    return company.fetch(company.EMPLOYEES)


def get_active_projects() -> list[Row]:
    """Return number, name and lead of every project that is under way."""
    return company.fetch(company.ACTIVE_PROJECTS)


async def get_employees_async() -> list[Row]:
    """Return what get_employees() does."""
    return await company.fetch_async(company.EMPLOYEES)


async def get_active_projects_async() -> list[Row]:
    """Return what get_active_projects() does."""
    return await company.fetch_async(company.ACTIVE_PROJECTS)


def ask_sequentially() -> list[list[Row]]:
    """Return the rows of both queries, asked one after the other."""
    return [get_employees(), get_active_projects()]


def ask_in_threads() -> list[list[Row]]:
    """Return the rows of both queries, each asked by a thread; raise the first one's error, if any."""
    functions = [get_employees, get_active_projects]
    answers: dict[str, list[Row]] = {}
    errors: list[DatabaseError] = []

    def ask(function: Callable[[], list[Row]]) -> None:
        try:
            answers[function.__name__] = function()
        except DatabaseError as error:
            errors.append(error)

    # Daemons, so that Ctrl-C ends the program at once and not when they have their answers.
    threads = [
        threading.Thread(target=ask, args=(function,), name=function.__name__, daemon=True) for function in functions
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [answers[function.__name__] for function in functions]


def ask_with_asyncio() -> list[list[Row]]:
    """Return the rows of both queries, each asked by an asyncio task; raise the first one's error, if any."""

    async def ask() -> Iterable[list[Row] | BaseException]:
        # An error alone would cancel the other query, which psycopg cannot where the server has gone: it would log so.
        return await asyncio.gather(get_employees_async(), get_active_projects_async(), return_exceptions=True)

    answers: list[list[Row]] = []
    for answer in asyncio.run(ask()):
        if isinstance(answer, BaseException):
            raise answer
        answers.append(answer)
    return answers


def main() -> None:
    """Print the rows, and how long each way took."""
    options.read(__doc__)
    company.prepare()
    ways = {"one after the other": ask_sequentially, "in two threads": ask_in_threads, "with asyncio": ask_with_asyncio}
    shown: list[list[Row]] = []
    for name, ask in ways.items():
        start = time.perf_counter()
        answers = ask()
        if not shown:
            print_rows("Employees", answers[0])
            print_rows("Active projects", answers[1])
            shown = answers
        print_time_since(start, f"Time taken {name}")
        if answers != shown:
            sys.exit(f"employees_projects.py: other rows {name} (try: again when nobody changes the database)")


def print_rows(title: str, rows: list[Row]) -> None:
    """Print a title, and a line for each row."""
    print(f"{title}:")
    for number, name, detail in rows:
        print(f"  {number} {name}, {detail}")


if __name__ == "__main__":
    try:
        main()
    except DatabaseError as error:
        sys.exit(f"employees_projects.py: {error}")
