"""The words for served codes: verdicts, reasons, stages, intervals, phases of the flywheel, positions.

Belongs here: an entry for each value that a contract in data_contracts/authoritative allows. Does not belong here:
sentences.
"""

VERDICTS = {
    "improving": "Improving",
    "worsening": "Worsening",
    "improved": "Improved, steady now",
    "worsened": "Worsened, steady now",
    "no_change": "No change",
    "not_enough_data": "Not enough data yet",
}
SIGNALS = {"better": "better than usual", "worse": "worse than usual", "none": "as usual"}
CAPABILITIES = {
    "meets_reliably": "Meets the target reliably",
    "hit_or_miss": "Hit or miss",
    "misses_reliably": "Misses the target reliably",
}
FLYWHEEL_VERDICTS = {
    "gaining": "Gaining",
    "steady": "Steady",
    "slowing": "Slowing",
    "not_enough_data": "Not enough data yet",
}
EVIDENCE_CLASSES = {
    "measured": "counted from events",
    "derived": "estimated from events",
    "declared": "declared by people",
    "missing": "not known",
}
INTERVALS = {
    "idea_to_started": "Idea → started",
    "started_to_deployed": "Started → deployed",
    "idea_to_deployed": "Idea → deployed",
    "deployed_to_adopted": "Deployed → adopted",
    "idea_to_adopted": "Idea → adopted",
}
STAGES = {"idea": "Idea, not started", "started": "In build", "deployed": "Deployed, no consumer"}
FLYWHEEL_PHASES = {
    "I": "Clarity of purpose",
    "II": "Challenge and landscape",
    "III": "Next best action",
    "IV": "Long-term value",
}
POSITIONS = {
    "used_beyond_its_certainty": ("Used beyond their certainty", "give them a contract"),
    "certain_but_under_used": ("Certain but under-used", "find them consumers"),
}
NORTH_STAR_PARTS = {
    "first_adoptions": "a data product's first other domain",
    "expansion_adoptions": "one more domain",
}
FACTORY_STAGES = {
    "collected": "Collected",
    "curated": "Curated",
    "stored": "Stored",
    "governed": "Governed",
    "exposed": "Exposed",
}
OWNED = {"products": "live data products", "deployments": "first deployments", "adoptions": "adoptions"}
OWNERSHIP_CHANGES = {
    "handed_over": "handed over",
    "owner_ended": "its domain was declared as ended",
    "owner_gone": "no event has named its domain for a year",
}
OWNERSHIP_EVIDENCE = {
    "owner_changed": "an owner_changed event",
    "other_event": "another event that names another domain",
    "declared": "declared by people",
    "no_event": "no event for a year",
}
GOVERNANCE_MODELS = {
    "centralised": ("Centralised", "at most a quarter is owned outside the central team"),
    "distributed": ("Distributed", "at least three quarters are owned by domains"),
    "federated": ("Federated", "at least half is owned by domains, and the central team owns some"),
    "mesh": ("Mesh", "at least three quarters are owned by domains, and no domain owns more than half"),
}
SOURCING = {"build": "built", "buy": "bought", "commodity": "used as a commodity"}
EVOLUTION = {"genesis": "genesis", "custom": "custom-built", "product": "product", "commodity": "commodity"}
COST_MEASURES = {"cost": "Cost", "energy": "Energy", "carbon": "Carbon"}
USE_BASES = {
    "last_90_days": "used in the last 90 days",
    "last_365_days": "used in the last 365 days",
    "ever": "ever used, as nobody sends repeated use",
}
OUTCOMES = {"first_adoptions": "first adoptions", "expansion_adoptions": "expansion adoptions"}
REASONS = {
    "before_the_limits": "older than the months that its limits are from",
    "checks_failing": "fewer than 95% of its checks pass",
    "constant": "it never changed",
    "declared": "declared by people, so there is nothing to judge",
    "first_stage": "nothing comes before it",
    "fewer_than_24_months": "fewer than 24 months are known",
    "finished_ideas_only": "for comparison only: it favours fast ideas",
    "incomplete": "not complete yet",
    "limits_switched_off": "limits are switched off",
    "no_adoption_events": "there is no current adoption event",
    "no_adoptions": "there were no adoptions",
    "no_complete_month": "there is no complete month yet",
    "no_contract_events": "there is no current contract event",
    "no_domains_declared": "no domain is declared as central or not",
    "no_deployment_events": "there is no current deployment event",
    "no_deployments": "nothing was deployed",
    "no_idea": "its idea was never logged",
    "no_ideas": "no idea was logged",
    "no_named_consumers": "no current idea names a consumer",
    "no_known_products": "no event knows the data products of its figures",
    "no_model_declared": "no governance model is declared",
    "no_other_domain": "there is no other domain",
    "no_products_in_use": "none of its data products is in use",
    "no_products": "there is no data product to measure",
    "no_repeat_use_events": "there is no current event of repeated use",
    "no_retirement_events": "there is no current retired event",
    "no_stage_events": "there is no current event of that stage",
    "no_target": "no target is declared",
    "no_units_declared": "no owner has a declared unit",
    "no_work_started_events": "there is no current event of started work",
    "north_star_not_a_flow": "this North Star is not counted by month",
    "not_declared": "nobody declared it",
    "not_a_count": "this North Star is not a count by month",
    "never_reviewed": "nobody ever reviewed it",
    "not_enough_data": "not enough data yet",
    "not_monthly": "known by quarter only",
    "not_reached": "fewer than half complete it",
    "nothing_checked": "nothing was checked",
    "nothing_to_compare": "no other stage has a median",
    "nothing_started_or_finished": "nothing was started or finished",
    "nothing_landed": "no rows landed in that month",
    "overlapping_windows": "its windows overlap, so its changes can't be judged",
    "owner_kinds_unknown": "the kind of its owners is not declared",
    "owner_unknown": "its owner is not known",
    "part_of_north_star": "it counts adoptions",
    "p85_not_reached": "fewer than 85% ever complete it",
    "reviewed_in_the_future": "its review lies in the future",
    "signal_in_phase": "the latest months hold a signal, so past months do not predict the next ones",
    "stock": "it is a stock, so its changes can't be judged",
    "too_few_expected": "too few were expected for a meaningful ratio",
    "too_few_points": "fewer than 6 months are known",
    "too_recent": "not all have been observed for long enough yet",
}
NEVER_JUDGED = {"declared", "finished_ideas_only", "limits_switched_off", "no_target", "overlapping_windows", "stock"}
JUDGED_BY_PACE = {
    "time_to_value",
    "build_time",
    "adoption_lag",
}  # metrics judged and drawn by their pace index; up is faster


def reason(code: str | None) -> str:
    """Why a figure is not known, as half a sentence."""
    return REASONS[code] if code else "not known"
