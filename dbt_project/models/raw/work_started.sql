{{ landed_events('work_started') }}
