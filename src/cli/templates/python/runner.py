"""Makes the checks of {{id}}. Only the standard library is needed; a module that is missing makes the checks blocked, not failed."""

import json


def run(context):
    """Says how each check ended. What is assessed is os.environ["GUIDE_BOARD_TARGET"]; the context has target_profile, checks and more."""
    # A file that is left in the working directory becomes an artifact; items refer to it by name.
    with open("context.json", "w", encoding="utf-8") as file:
        json.dump(context, file, indent=2)
    return {
        "evidence": [
            {
                "check_id": "context-received",
                "result": "pass",
                "observations": ["The runner received its context."],
                "artifact_refs": ["context.json"],
            },
            {
                "check_id": "to-be-written",
                "result": "warning",
                "observations": ["This check is still to be written, in runner.py."],
            },
        ]
    }
