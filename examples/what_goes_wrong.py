"""Three requests that lose rows without an error, and the receipt that would have told."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

import gridloom
from gridloom.extract.replay import sample_server


def ask(url: str, route: str, respondent: str, start: str, end: str) -> tuple[int, int, int]:
    """Returns the status, the rows of the answer, and how many rows it says there are."""
    params = {
        "api_key": "any",
        "frequency": "hourly",
        "data[0]": "value",
        "facets[respondent][]": respondent,
        "start": start,
        "end": end,
    }
    answer = httpx2.get(f"{url}/electricity/rto/{route}/data/", params=params)
    response = answer.json()["response"]
    return answer.status_code, len(response["data"]), int(response["total"])


def main() -> None:
    with sample_server() as server:
        cases = {
            "a week, by dates": ("fuel-type-data", "PACW", "2019-01-01", "2019-01-07"),
            "a week, by hours": ("fuel-type-data", "PACW", "2019-01-01T00", "2019-01-07T23"),
            "a quarter, one page": ("fuel-type-data", "PJM", "2019-01-01T00", "2019-03-31T23"),
            "a code that is none": ("region-data", "SPP", "2019-01-01T00", "2019-01-07T23"),
        }
        for name, (route, respondent, start, end) in cases.items():
            status, rows, total = ask(server.url, route, respondent, start, end)
            print(f"{name:<20} HTTP {status}  {rows:>6,} rows of {total:>6,}")

    with TemporaryDirectory() as out:
        gridloom.hourly(
            "2019-01-01T00", "2019-03-31T23", ["PJM"], ["NG.all"], sample=True, batch_days=90, out=out
        )
        for path in Path(out).glob("raw/*/*/receipt.json"):
            receipt = json.loads(path.read_text())
            pages, rows, total = len(receipt["pages"]), receipt["rows"], receipt["total"]
            print(f"{'the receipt':<20} {pages} pages   {rows:>6,} rows of {total:>6,}")


if __name__ == "__main__":
    main()
