//! With the allocator that users get.
fn main() {
    openapi::main();
}
