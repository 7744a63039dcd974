{{ landed_events('contract_events') }}
