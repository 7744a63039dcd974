{{ landed_events('ideas_logged') }}
