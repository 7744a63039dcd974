{{ landed_events(
    'contract_events',
    'contract_event',
    ['contract_event', 'contract_version', 'passed_count', 'failed_count']
) }}
