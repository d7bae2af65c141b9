"""The preflight: says whether the other runners can run. It runs once, before the first of them."""

import sys


def check(context):
    if sys.version_info < (3, 8):
        return {"ready": False, "blocked_reason": "missing_dependency", "reason": "Python 3.8 or newer is needed."}
    if not context["target_profile"]["endpoints"]:
        return {"ready": False, "blocked_reason": "not_configured", "reason": "The target has no endpoint."}
    return {"ready": True}
