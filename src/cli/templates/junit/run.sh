#!/bin/sh
# Runs the harness of {{id}}, which leaves JUnit XML in the working directory. GUIDE_BOARD_CONTEXT names a JSON file that says what to assess.
# GUIDE_BOARD_TARGET is the directory that is assessed. Put your own harness in the place of what
# follows, and the names of its tests in the `matches` of extension.json, for example:
#   here=$PWD; cd "$GUIDE_BOARD_TARGET" && exec pytest --junit-xml="$here/report.xml"
set -eu

cat > report.xml <<'REPORT'
<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="{{id}}" tests="2" skipped="1">
    <testcase classname="{{id}}" name="context is received" time="0.01"/>
    <testcase classname="{{id}}" name="more tests" time="0">
      <skipped message="still to be written, in run.sh"/>
    </testcase>
  </testsuite>
</testsuites>
REPORT
