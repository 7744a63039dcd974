"""The job that only lands: no pool, no lock of the home, no build."""

import fcntl

from conftest import as_lines, make_event, put

from orchestration.defs.automation import landing_job
from orchestration.landing.receipts import receipts


def test_the_job_that_only_lands_does_so_while_a_run_holds_the_home(home, unchecked, monkeypatch):
    monkeypatch.setenv("FLYWHEEL_HOME", str(home.root))
    put(home, "a.jsonl", as_lines([make_event(), make_event("nonsense")]))
    with (home.root / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert landing_job.execute_in_process().success
    assert [(r["rows_landed"], r["rows_quarantined"]) for r in receipts(home)] == [(1, 1)]
    assert not list(home.builds.iterdir())
    assert all(node.definition.pool is None for node in landing_job.graph.nodes)
