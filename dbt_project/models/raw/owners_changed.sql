{{ landed_events('owners_changed') }}
