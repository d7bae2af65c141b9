"""A `python_module` normalizer: reads the reports that the runner left and returns the result."""

import csv
import os


def normalize(context):
    evidence = []
    for path in context["normalizer"]["inputs"]:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                slow = float(row["milliseconds"]) > float(row["budget"])
                evidence.append(
                    {
                        "check_id": "table-latency",
                        "subject_ref": row["call"],
                        "result": "warning" if slow else "pass",
                        "observations": ["{milliseconds} ms of {budget} ms".format(**row)],
                        "facts": {"milliseconds": float(row["milliseconds"])},
                        "requirement_refs": [],
                        "artifact_refs": [os.path.basename(path)],
                    }
                )
    return {"evidence": evidence}
