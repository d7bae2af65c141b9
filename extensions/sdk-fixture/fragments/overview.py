"""A `python_module` report fragment: makes Markdown and structured data of the whole run."""


def render(context):
    counts = {}
    for item in context["evidence"]:
        results = counts.setdefault(item["check_id"].split("-")[0], {})
        results[item["result"]] = results.get(item["result"], 0) + 1
    lines = ["| group | results |", "|---|---|"]
    for group, results in sorted(counts.items()):
        lines.append("| {} | {} |".format(group, ", ".join("{} {}".format(n, word) for word, n in sorted(results.items()))))
    unexpected = context["policy_summary"]["unexpected"]
    lines += ["", "{} of {} findings are unexpected.".format(unexpected, len(context["findings"]))]
    return {"markdown": "\n".join(lines), "structured": {"groups": counts}}
