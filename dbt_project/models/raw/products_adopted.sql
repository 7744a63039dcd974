{{ landed_events('products_adopted') }}
