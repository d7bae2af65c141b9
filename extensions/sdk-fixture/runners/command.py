"""A `command` runner: reads the context, leaves an artifact, prints the result as JSON."""

import json
import os

with open(os.environ["GUIDE_BOARD_CONTEXT"], encoding="utf-8") as file:
    context = json.load(file)

# What stands in the working directory afterwards is an artifact.
with open("endpoints.txt", "w", encoding="utf-8") as file:
    for endpoint in context["target_profile"]["endpoints"]:
        file.write("{} {}\n".format(endpoint["binding"], endpoint["url"]))

token = os.environ.get("SDK_FIXTURE_TOKEN", "")
print(
    json.dumps(
        {
            "evidence": [
                {
                    "check_id": "command-context",
                    "subject_ref": context["target_profile"]["id"],
                    "result": "pass",
                    "observations": ["The context names {} checks.".format(len(context["checks"]))],
                    "facts": {"offline": context["runtime_policy"]["offline"]},
                    "requirement_refs": [],
                    "artifact_refs": ["endpoints.txt"],
                },
                {
                    "check_id": "command-credentials",
                    "subject_ref": context["target_profile"]["id"],
                    "result": "pass" if token else "fail",
                    # A secret that a runner gives away is redacted.
                    "observations": ["The token is {}.".format(token)],
                    "facts": {"length": len(token)},
                    "requirement_refs": [],
                    "artifact_refs": [],
                },
            ],
            "metadata": {"runner": "command"},
        }
    )
)
