"""What the people of the sample organisation declare about the tenets: assessments, and the answers of a pulse survey.

Belongs here: fixed rows, without chance. Does not belong here: the catalogue of tenets (a seed of dbt_project).

Two tenets are not assessed: `map_your_solution`, which events measure, and `low_carbon_footprint`. Of the four groups
that answered the latest survey SMALL_GROUP has 4 answers, so it is hidden, and so is the sum of all. In the survey
before it had 6, and all is shown.
"""

from datetime import date

PULSES = (date(2025, 4, 30), date(2025, 10, 31))
SMALL_GROUP = "Platform team"
QUESTIONS = (
    "I can say in my team when something has gone wrong.",
    "We look for causes of a failure, and not for somebody to blame.",
)
_ANSWERS = {  # survey: {group: a digit an answer, for each question}
    PULSES[0]: {
        "Analysts": ("2334234", "3233432"),
        "Data engineers": ("332443254", "233433244"),
        "Product owners": ("43534", "44354"),
        SMALL_GROUP: ("443532", "344253"),
    },
    PULSES[1]: {
        "Analysts": ("34344353", "33443424"),
        "Data engineers": ("4334454354", "3434453444"),
        "Product owners": ("445453", "454345"),
        SMALL_GROUP: ("2443", "3425"),
    },
}
ANSWERS = [
    {"asked_on": day, "respondent_group": group, "question": question, "level": int(level)}
    for day, groups in _ANSWERS.items()
    for group, answers in groups.items()
    for question, levels in zip(QUESTIONS, answers, strict=True)
    for level in levels
]
_COLUMNS = ("tenet_id", "assessed_on", "assessed_by", "level", "note")
_LEVELS = (
    ("clarity_of_purpose", date(2025, 3, 14), "Chief Data Officer", 2, "Few teams can name the outcome they serve."),
    ("clarity_of_purpose", date(2025, 11, 20), "Chief Data Officer", 3, "Most ideas serve an initiative now."),
    ("time_to_value", date(2025, 11, 20), "Chief Data Officer", 3, "Watched each month, not yet by each domain."),
    ("map_the_market", date(2025, 9, 18), "Chief Data Officer", 2, "One map, drawn by the data office alone."),
    ("psychological_safety", date(2025, 5, 12), "Head of engineering", 3, "After the survey of April."),
    ("psychological_safety", date(2025, 11, 12), "Head of engineering", 4, "After the survey of October."),
    ("system_is_the_asset", date(2025, 9, 2), "Head of engineering", 3, "On call is shared, knowledge is not."),
    ("map_the_org", date(2025, 6, 26), "Head of engineering", 3, "Operations still does the work of two domains."),
    ("code_is_a_liability", date(2025, 10, 8), "Head of data products", 2, "Nobody has a duty to retire anything."),
    ("frictionless_developer_experience", date(2025, 10, 8), "Head of data products", 3, "A template since 2025."),
    ("problem_prevention", date(2025, 8, 21), "CTO", 4, "Every incident has a review and a follow-up."),
    ("map_the_emerging_value", date(2025, 8, 21), "CTO", 2, "Talked about once a year."),
)
ASSESSMENTS = [
    dict(zip(_COLUMNS, row, strict=True)) | {"link": f"https://wiki.example.com/tenets/{row[0]}/{row[1]:%Y-%m}"}
    for row in _LEVELS
]
