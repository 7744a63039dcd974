{{ landed_events('products_closed', 'close_reason', ['close_reason']) }}
