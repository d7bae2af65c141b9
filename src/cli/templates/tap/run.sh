#!/bin/sh
# Runs the harness of {{id}}, which writes TAP to standard output. GUIDE_BOARD_CONTEXT names a JSON file that says what to assess.
# GUIDE_BOARD_TARGET is the directory that is assessed. Put your own harness in the place of what
# follows, and the names of its tests in the `matches` of extension.json, for example:
#   cd "$GUIDE_BOARD_TARGET" && exec node --test --test-reporter=tap
set -eu

cat <<'REPORT'
TAP version 14
1..2
ok 1 - context is received
ok 2 - more tests # SKIP still to be written, in run.sh
REPORT
