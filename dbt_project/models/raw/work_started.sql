{{ landed_events('work_started', "'work_started'") }}
