"""A `python_module` runner: a function that gets the context and returns the result."""


def assess(context):
    capabilities = context["target_profile"].get("declared_capabilities", [])
    # Printing is fine: it is captured and is no part of the result.
    print("assessing", context["target_profile"]["id"])
    return {
        "evidence": [
            item("module-capabilities", "pass", "{} capabilities are declared.".format(len(capabilities))),
            item("module-limits", "fail", "The limit on requests is not enforced.", severity="medium", where="limits.conf"),
            item("module-limits", "warning", "The limit on connections is higher than usual.", subject="connections"),
            item("module-legacy", "fail", "The old interface still answers.", subject="legacy"),
        ],
        "metadata": {"capabilities": capabilities},
    }


def item(check, result, observation, subject="", severity=None, where=None):
    return {
        "check_id": check,
        "subject_ref": subject,
        "result": result,
        "severity": severity,
        "observations": [observation],
        "facts": {},
        "locations": [{"path": where, "line": 12}] if where else [],
        "requirement_refs": [],
        "artifact_refs": [],
    }
