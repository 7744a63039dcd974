{{ landed_events('stages_reached') }}
