//! Fixtures of `dangerous-workflows`: what each rule flags, and what only looks like it.

use super::*;

const ID: &str = "dangerous-workflows";

/// A workflow of one job with these events, lines of the job, and steps.
fn workflow(on: &str, job: &str, steps: &str) -> Repo {
    repo().file(".github/workflows/w.yml", format!("on: {on}\njobs:\n  a:\n    {job}\n    steps:\n{steps}"))
}

fn run(on: &str, script: &str) -> Repo {
    workflow(on, "runs-on: ubuntu-latest", &format!("      - run: |\n          true\n          {script}\n"))
}

fn checkout(on: &str, job: &str, with: &str) -> Repo {
    workflow(on, job, &format!("      - uses: actions/checkout@v4\n        with:\n          {with}\n"))
}

#[test]
fn script_injection_flags_what_strangers_write() {
    for (on, expression) in [
        ("issues", "github.event.issue.title"),
        ("issue_comment", "github.event.comment.body"),
        ("pull_request", "github.head_ref"),
        ("pull_request_target", "github.event.pull_request.head.ref"),
        ("[push, pull_request]", "github.event.pull_request['body']"),
        ("push", "github.event.head_commit.message"),
        ("push", "github.event.commits[0].author.name"),
        ("gollum", "github.event.pages[0].page_name"),
        ("discussion", "github.event.discussion.title"),
        ("pull_request_review", "github.event.review.body"),
        ("workflow_run", "github.event.workflow_run.head_branch"),
        ("workflow_call", "github.event.issue.body"),
        ("pull_request", "github.head_ref || github.ref_name"),
        ("pull_request", "toJSON(github.event)"),
    ] {
        let item = run(on, &format!("echo \"${{{{ {expression} }}}}\"")).fails(ID);
        assert_eq!(rules(&item), [("script-injection", 8)], "{expression}");
    }
}

#[test]
fn script_injection_is_worse_where_the_token_may_write() {
    let script = "echo ${{ github.head_ref }}";
    assert_eq!(run("pull_request", script).fails(ID).severity, Some(Severity::High));
    assert_eq!(run("pull_request_target", script).fails(ID).severity, Some(Severity::Critical));
}

#[test]
fn script_injection_flags_scripts_of_github_script_and_composite_actions() {
    let steps = "      - uses: actions/github-script@v7\n        with:\n          script: |\n            x('${{ github.event.issue.title }}')\n";
    assert_eq!(rules(&workflow("issues", "if: true", steps).fails(ID)), [("script-injection", 9)]);
    let action = "runs:\n  using: composite\n  steps:\n    - run: echo ${{ github.head_ref }}\n";
    assert_eq!(rules(&repo().file("x/action.yml", action).fails(ID)), [("script-injection", 4)]);
}

#[test]
fn script_injection_flags_a_variable_that_is_put_in_as_an_expression() {
    let steps = "      - env:\n          TITLE: ${{ github.event.issue.title }}\n        run: echo ${{ env.TITLE }}\n";
    assert_eq!(rules(&workflow("issues", "if: true", steps).fails(ID)), [("script-injection", 8)]);
}

#[test]
fn script_injection_accepts_variables_of_the_shell() {
    let steps = "      - env:\n          TITLE: ${{ github.event.issue.title }}\n        run: echo \"$TITLE\" ${{ env.OTHER }}\n";
    workflow("issues", "if: true", steps).passes(ID);
}

#[test]
fn script_injection_accepts_what_strangers_cannot_choose() {
    for expression in [
        "github.event.number",
        "github.event.pull_request.number",
        "github.event.pull_request.head.sha",
        "github.event.pull_request.base.ref",
        "github.event.pull_request.html_url",
        "github.event.issue.user.login",
        "github.ref_name",
        "github.actor",
        "inputs.title",
        "steps.x.outputs.title",
        "contains(github.event.issue.title, 'x')",
        "github.head_ref == 'main' && 'a' || 'b'",
    ] {
        run("[pull_request_target, issues]", &format!("echo ${{{{ {expression} }}}}")).passes(ID);
    }
}

#[test]
fn script_injection_accepts_conditions_names_comments_and_inputs() {
    let steps = "      # - run: echo ${{ github.head_ref }}\n      - name: x ${{ github.head_ref }}\n        \
                 if: contains(github.event.pull_request.title, 'x')\n        run: echo x\n      - uses: o/r@v1\n        \
                 with:\n          title: ${{ github.event.pull_request.title }}\n";
    workflow("pull_request_target", "concurrency: ${{ github.head_ref }}", steps).passes(ID);
}

#[test]
fn script_injection_accepts_what_the_event_does_not_carry() {
    run("push", "echo ${{ github.head_ref }}").passes(ID);
    run("pull_request", "echo ${{ github.event.issue.title }}").passes(ID);
}

#[test]
fn untrusted_checkout_flags_the_head_of_a_pull_request() {
    for (on, with) in [
        ("pull_request_target", "ref: ${{ github.event.pull_request.head.sha }}"),
        ("pull_request_target", "ref: ${{ github.head_ref }}"),
        ("pull_request_target", "ref: refs/pull/${{ github.event.number }}/merge"),
        (
            "{pull_request_target: {types: [opened]}}",
            "repository: ${{ github.event.pull_request.head.repo.full_name }}",
        ),
        ("workflow_run", "ref: ${{ github.event.workflow_run.head_sha }}"),
    ] {
        let item = checkout(on, "if: true", with).fails(ID);
        assert_eq!(rules(&item), [("untrusted-checkout", 8)], "{with}");
    }
}

#[test]
fn untrusted_checkout_flags_commands() {
    for script in [
        "gh pr checkout \"$NUMBER\"",
        "git fetch origin pull/$NUMBER/head:pr",
        "git checkout ${{ github.event.pull_request.head.sha }}",
    ] {
        assert_eq!(rules(&run("pull_request_target", script).fails(ID)), [("untrusted-checkout", 8)], "{script}");
    }
}

#[test]
fn untrusted_checkout_flags_answers_to_comments_mildly() {
    let with = "ref: refs/pull/${{ github.event.issue.number }}/head";
    assert_eq!(rules(&checkout("issue_comment", "if: true", with).warns(ID)), [("untrusted-checkout", 8)]);
}

#[test]
fn untrusted_checkout_accepts_the_base_and_the_default() {
    for with in ["ref: ${{ github.event.pull_request.base.sha }}", "ref: main", "fetch-depth: 0", "repository: o/r"] {
        checkout("pull_request_target", "if: true", with).passes(ID);
    }
}

#[test]
fn untrusted_checkout_accepts_other_events_and_guards() {
    let with = "ref: ${{ github.event.pull_request.head.sha }}";
    checkout("pull_request", "if: true", with).passes(ID);
    for guard in [
        "if: github.event.pull_request.merged == true",
        "if: github.event.pull_request.head.repo.full_name == github.repository",
        "if: contains(fromJSON('[\"OWNER\"]'), github.event.comment.author_association)",
    ] {
        checkout("pull_request_target", guard, with).passes(ID);
    }
    let head = "ref: ${{ github.event.workflow_run.head_sha }}";
    checkout("workflow_run", "if: github.event.workflow_run.event == 'push'", head).passes(ID);
}

#[test]
fn untrusted_checkout_takes_no_mention_of_the_author_for_a_guard() {
    for guard in [
        "if: github.event.pull_request.author_association == 'NONE'",
        "if: github.event.pull_request.author_association != 'OWNER'",
        "if: contains(fromJSON('[\"OWNER\", \"NONE\"]'), github.event.pull_request.author_association)",
    ] {
        checkout("pull_request_target", guard, "ref: ${{ github.head_ref }}").fails(ID);
    }
}

#[test]
fn untrusted_checkout_accepts_commands_that_are_only_text() {
    run("pull_request_target", "echo \"use gh pr checkout\" # gh pr checkout 1").passes(ID);
}

#[test]
fn unsecure_commands_flags_the_switch_wherever_it_is_set() {
    let text = "on: push\nenv:\n  ACTIONS_ALLOW_UNSECURE_COMMANDS: true\njobs:\n  a:\n    steps: []\n";
    assert_eq!(rules(&repo().file(".github/workflows/w.yml", text).fails(ID)), [("unsecure-commands", 3)]);
    run("push", "echo \"ACTIONS_ALLOW_UNSECURE_COMMANDS=true\" >> $GITHUB_ENV").fails(ID);
}

#[test]
fn unsecure_commands_accepts_the_switch_turned_off() {
    let text = "on: push\nenv:\n  # ACTIONS_ALLOW_UNSECURE_COMMANDS: true\n  ACTIONS_ALLOW_UNSECURE_COMMANDS: 'false'\njobs:\n  a:\n    steps: []\n";
    repo().file(".github/workflows/w.yml", text).passes(ID);
}

#[test]
fn all_secrets_flags_handing_over_every_secret() {
    let steps = "      - env:\n          ALL: ${{ toJSON(secrets) }}\n        run: x\n";
    assert_eq!(rules(&workflow("push", "if: true", steps).warns(ID)), [("all-secrets", 7)]);
}

#[test]
fn all_secrets_accepts_single_ones() {
    let steps = "      - env:\n          ONE: ${{ secrets.ONE }}\n          M: ${{ toJSON(matrix) }}\n        run: x\n";
    workflow("push", "if: true", steps).passes(ID);
}

#[test]
fn secret_printed_flags_echo() {
    assert_eq!(rules(&run("push", "echo \"token ${{ secrets.TOKEN }}\"").warns(ID)), [("secret-printed", 8)]);
    run("push", "printf '%s' '${{ secrets.TOKEN }}'").warns(ID);
}

#[test]
fn secret_printed_accepts_pipes_files_and_questions() {
    for script in [
        "echo ${{ secrets.TOKEN }} | docker login --password-stdin",
        "echo \"${{ secrets.KEY }}\" > key.pem",
        "x=$(echo ${{ secrets.KEY }} | base64 -d)",
        "echo \"::add-mask::${{ secrets.KEY }}\"",
        "echo has=${{ secrets.KEY != '' }} >> $GITHUB_OUTPUT",
        "echo has=${{ secrets.KEY != '' }}",
        "curl -H \"x: ${{ secrets.KEY }}\" https://proj.io",
        "# echo ${{ secrets.KEY }}",
    ] {
        run("push", script).passes(ID);
    }
}

#[test]
fn secrets_inherited_flags_another_repository() {
    let text = "on: push\njobs:\n  a:\n    uses: o/r/.github/workflows/x.yml@v1\n    secrets: inherit\n";
    assert_eq!(rules(&repo().file(".github/workflows/w.yml", text).warns(ID)), [("secrets-inherited", 5)]);
}

#[test]
fn secrets_inherited_accepts_workflows_of_the_same_repository() {
    for called in ["./.github/workflows/x.yml", "$/.github/workflows/x.yml"] {
        let text = format!("on: push\njobs:\n  a:\n    uses: {called}\n    secrets: inherit\n");
        repo().file(".github/workflows/w.yml", text).passes(ID);
    }
}

#[test]
fn self_hosted_runner_flags_pull_requests() {
    for labels in ["self-hosted", "[self-hosted, linux]", "{group: g, labels: [self-hosted]}"] {
        let item = workflow("[push, pull_request]", &format!("runs-on: {labels}"), "      - run: x\n").warns(ID);
        assert_eq!(rules(&item), [("self-hosted-runner", 4)], "{labels}");
    }
}

#[test]
fn self_hosted_runner_accepts_pushes_and_hosted_runners() {
    workflow("push", "runs-on: self-hosted", "      - run: x\n").passes(ID);
    workflow("pull_request", "runs-on: ubuntu-latest-self-hosted-like", "      - run: x\n").passes(ID);
    let guard = "if: github.event.pull_request.head.repo.full_name == github.repository\n    runs-on: self-hosted";
    workflow("pull_request", guard, "      - run: x\n").passes(ID);
}

#[test]
fn any_text_can_be_a_workflow() {
    for text in [
        "",
        "\0",
        "on: &a [*a]\n",
        "- a\n",
        "jobs: []\n",
        "jobs: {a: }\n",
        "jobs: {a: {steps: {b: c}}}\n",
        "on: 1\njobs: {a: [1]}",
    ] {
        let item = repo().file(".github/workflows/w.yml", text).check(ID);
        assert!(!item.observations.is_empty(), "{text:?}");
    }
}

#[test]
fn a_step_whose_inputs_are_an_alias_is_looked_at() {
    let text = "on: pull_request_target\njobs:\n  a:\n    runs-on: x\n    steps:\n    - uses: o/other@v1\n      with: &w\n        \
                ref: ${{ github.head_ref }}\n    - uses: actions/checkout@v4\n      with: *w\n";
    assert_eq!(rules(&repo().file(".github/workflows/a.yml", text).fails(ID))[0].0, "untrusted-checkout");
}

#[test]
fn a_guard_of_one_job_is_none_of_another_with_the_same_steps() {
    let text = "on: pull_request_target\njobs:\n  a:\n    if: github.event.pull_request.head.repo.fork == false\n    runs-on: x\n    steps: &s\n    \
                - run: echo ${{ github.head_ref }}\n  b:\n    runs-on: x\n    steps: *s\n";
    assert_eq!(rules(&repo().file(".github/workflows/a.yml", text).fails(ID))[0].0, "script-injection");
}

#[test]
fn steps_that_aliases_repeat_beyond_the_bound_are_unknown() {
    let script = format!("x: &s \"{}\"\n", "y ".repeat(2_000));
    let text =
        format!("{script}on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n{}", "    - run: *s\n".repeat(2_000));
    repo().file(".github/workflows/a.yml", text).expect(ID, EvidenceResult::Unknown);
}
