{{ landed_events('products_closed') }}
