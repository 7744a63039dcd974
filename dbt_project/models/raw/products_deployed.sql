{{ landed_events('products_deployed') }}
