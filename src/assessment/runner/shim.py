"""Calls one function of an extension: guide-board runs this text with `python3 -c`, as `SHIM PATH CALLABLE ROLE`.

The function gets the context (a dict) and returns the result, which is written as JSON to the file that GUIDE_BOARD_RESULT names. What it prints is
captured. A Python module that is missing is a missing dependency: that is told in the form that the role asks for.
"""

import sys

# The working directory holds what a harness left; nothing is imported from there.
sys.path[:] = [entry for entry in sys.path if entry]

import importlib.util
import json
import os
import traceback

path, name, role = sys.argv[1:4]
sys.argv[:] = [path]
sys.path.insert(0, os.path.dirname(path))


def missing(module):
    """The result that stands for a Python module that is not installed."""
    said = "the Python module {} is not installed for {}".format(module, sys.executable)
    if role == "preflight":
        return {"ready": False, "blocked_reason": "missing_dependency", "reason": said}
    items = []
    for check in context["checks"]:
        facts = {"blocked_reason": "missing_dependency", "python_module": module}
        items.append({"check_id": check, "result": "blocked", "observations": [said], "facts": facts})
    return {"evidence": items}


def call():
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        sys.exit("{} has no function {}".format(os.path.basename(path), name))
    result = function(context)
    if result is None and role == "preflight":
        # It says nothing, and did not fail.
        result = {"ready": True}
    if not isinstance(result, dict):
        sys.exit("{} returned {}, not a dict".format(name, type(result).__name__))
    return result


with open(os.environ["GUIDE_BOARD_CONTEXT"], encoding="utf-8") as file:
    context = json.load(file)
try:
    result = call()
except ModuleNotFoundError as error:
    traceback.print_exc()
    if role == "fragment":
        sys.exit(1)
    result = missing(error.name)
with open(os.environ["GUIDE_BOARD_RESULT"], "w", encoding="utf-8") as file:
    json.dump(result, file, ensure_ascii=True, allow_nan=False)
