{{ landed_events('products_deployed', "'deployed'", ['version']) }}
