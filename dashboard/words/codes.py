"""The words for served codes: verdicts, reasons, stages, intervals, phases of the flywheel, positions,
slips of the belt.

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
    "meets_reliably": "Yes, reliably",
    "hit_or_miss": "Hit or miss",
    "misses_reliably": "No, missed reliably",
}
FLYWHEEL_VERDICTS = {
    "gaining": "Gaining",
    "steady": "Steady",
    "slowing": "Slowing",
    "not_enough_data": "Not known",
}
QUEUES_IN_WORDS = {  # queue: (of one, of many), in the order of delivery
    "not_started": ("idea not started", "ideas not started"),
    "in_build": ("idea in build", "ideas in build"),
    "not_deployed": ("idea not deployed", "ideas not deployed"),
    "deployed_unused": ("unused product", "unused products"),
}
EVENTS_THAT_TELL = {  # reason: which events would make the metric known
    "no_adoption_events": "adopted events",
    "no_contract_events": "contract_activated and contract_checked events",
    "no_deployment_events": "deployed events",
    "no_initiatives": "idea_logged events with initiative",
    "no_idea": "idea_logged events",
    "no_ideas": "idea_logged events",
    "no_named_consumers": "idea_logged events with named_consumer_domains",
    "no_products": "idea_logged events",
    "no_repeat_use_events": "an adopted event for each later use",
    "no_work_started_events": "work_started events",
}
WHY_IT_MATTERS = {  # metric: what it would answer
    "adopted_90d": "whether what is deployed is wanted",
    "adopting_domains": "how many domains take part",
    "adoption_lag": "how long a finished product waits for its first user",
    "build_time": "how long the way to production is",
    "contract_checks_passed": "whether consumers can rely on the data",
    "contract_pass_rate": "whether the events themselves can be relied on",
    "expansion_adoptions": "whether products spread",
    "expansion_share": "whether value comes from reuse",
    "first_adoptions": "whether new products find a user",
    "first_deployments": "how much is delivered",
    "initiative_share": "whether work serves what the business wants",
    "momentum": "whether each product makes the next one easier",
    "momentum_completed_only": "for comparison only",
    "named_consumer_share": "whether work starts from demand",
    "net_flow": "whether more is started than finished",
    "north_star_target": "whether the plan is met",
    "retained_adoption": "whether use lasts",
    "time_to_value": "how long value takes",
}
EVIDENCE_CLASSES = {
    "measured": "counted from events",
    "derived": "estimated from events",
    "declared": "declared by people",
    "missing": "not known",
    "not_measured": "not measured",
}
INTERVALS = {
    "idea_to_started": "Idea → started",
    "started_to_deployed": "Started → deployed",
    "idea_to_deployed": "Idea → deployed",
    "deployed_to_adopted": "Deployed → adopted",
    "idea_to_adopted": "Idea → adopted",
}
STAGES = {
    "idea": "Idea, not started",
    "started": "In build",
    "deployed": "Deployed, no consumer",
    "adopted": "Used by another domain",
    "closed": "Closed",
}
EVENTS = {  # of a data product, "used_again" where an adopted event repeats an earlier one
    "idea_logged": "Idea logged",
    "work_started": "Work started",
    "deployed": "Deployed",
    "adopted": "First used",
    "used_again": "Used again",
    "owner_changed": "Owner changed",
    "stage_reached": "Stage of the factory reached",
    "contract_activated": "Contract activated",
    "contract_checked": "Contract checked",
    "withdrawn": "Withdrawn",
    "abandoned": "Abandoned",
    "rejected": "Rejected",
    "retired": "Retired",
}
FLYWHEEL_PHASES = {
    "I": "Clarity of purpose",
    "II": "Challenge and landscape",
    "III": "Next best action",
    "IV": "Long-term value",
}
QUEUES = {
    "not_started": "Not started",
    "in_build": "In build",
    "not_deployed": "Not deployed",  # in place of the two above where no work_started was ever sent
    "deployed_unused": "Deployed, unused",
}
CERTAINTIES = {
    "not_measured": "Not measured",
    "raw": "Raw",
    "contract_not_kept": "Contract not kept",
    "curated": "Curated",
    "authoritative": "Authoritative",
}
UBIQUITY_BASES = {"last_90_days": "use in the last 90 days", "ever": "use ever"}
ESTIMATORS = {
    "incidence": "all time",
    "kaplan_meier": "all time, dropped ideas excluded",
    "completed_only": "finished only",
    "current_pace": "last 180 days, dropped ideas excluded",
}
POSITIONS = {
    "used_beyond_its_certainty": (
        "Used beyond their certainty",
        "Used by 2 or more other domains, raw or contract not kept: give them a contract, or keep it.",
    ),
    "certain_but_under_used": (
        "Certain but under-used",
        "Authoritative, used by fewer than 2 other domains: find them consumers.",
    ),
}
BELT_SLIPS = {
    "open_idea_without_initiative": "Open ideas that serve no initiative",
    "adopted_without_initiative": "Adopted data products that serve no initiative",
    "initiative_without_use": "Initiatives without a data product in use",
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
OWNERSHIP_SHARES = {
    "outside_share": "Share owned outside the central team",
    "largest_domain_share": "Share of the largest owner",
}
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
    "activated_within_90_days": "its contract is younger than 90 days",
    "broken_within_90_days": "a check failed in the last 90 days",
    "before_the_limits": "it is older than the months in the limits",
    "checks_failing": "fewer than 95% of its checks pass",
    "constant": "it never changed",
    "declared": "declared by people, so there is nothing to judge",
    "first_stage": "nothing comes before it",
    "fewer_than_24_months": "fewer than 24 months are known",
    "finished_ideas_only": "for comparison only: it favours fast ideas",
    "group_too_small": "fewer than 5 answered",
    "incomplete": "not complete yet",
    "limits_switched_off": "limits are switched off",
    "no_active_contract": "it has no active contract",
    "no_adoption_events": "there is no current adoption event",
    "no_adoptions": "there were no adoptions",
    "no_complete_month": "there is no complete month yet",
    "no_contract_events": "there is no current contract event",
    "no_domains_declared": "no domain is declared as central or not",
    "no_deployment_events": "there is no current deployment event",
    "no_deployments": "nothing was deployed",
    "no_idea": "its idea was never logged",
    "no_idea_events": "there is no current event of a logged idea",
    "no_ideas": "no idea was logged",
    "no_initiatives": "no data product is known to serve an initiative",
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
    "not_assessed": "nobody assessed it",
    "not_checked_each_month": "no check in one of the last three months",
    "not_checked_lately": "no check in the last 28 days",
    "never_reviewed": "nobody ever reviewed it",
    "not_enough_data": "not enough data yet",
    "not_inferred_from_events": "no event says anything about it",
    "not_live_yet": "it was not live yet",
    "not_measured_yet": "no figure of it is declared yet",
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
    "too_few_events": "it sent fewer than 10 events",
    "too_few_expected": "too few were expected for a meaningful ratio",
    "too_few_points": "too few periods for limits yet",
    "too_recent": "not all have been observed for long enough yet",
    "would_reveal_a_group": "it would reveal what a small group answered",
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
