// What the OpenAPI documents don't say about the Go types of the API; `cargo xtask specs update` runs it.
module go-facts

go 1.26.0
