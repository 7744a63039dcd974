{{ landed_events('products_adopted', "'adopted'", ['consumer_domain', 'evidence']) }}
