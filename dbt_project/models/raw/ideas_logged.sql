{{ landed_events('ideas_logged', "'idea_logged'", ['named_consumer_domains', 'initiative']) }}
