//! With the allocator that users get.
fn main() {
    ours::main();
}
