#!/bin/sh
# Runs the scanner of {{id}}, which leaves SARIF 2.1.0 in the working directory. GUIDE_BOARD_CONTEXT names a JSON file that says what to assess.
# GUIDE_BOARD_TARGET is the directory that is assessed. Put your own scanner in the place of what follows, for example:
#   exec ruff check --no-cache --output-format=sarif --output-file="$PWD/report.sarif" "$GUIDE_BOARD_TARGET"
set -eu

cat > report.sarif <<'REPORT'
{
  "version": "2.1.0",
  "runs": [
    {
      "tool": {"driver": {"name": "{{id}}", "rules": [{"id": "to-be-written"}]}},
      "results": [
        {
          "ruleId": "to-be-written",
          "level": "warning",
          "message": {"text": "The scanner is still to be put into run.sh."}
        }
      ]
    }
  ]
}
REPORT
