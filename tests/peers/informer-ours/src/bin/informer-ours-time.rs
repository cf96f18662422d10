//! With the allocator that users get.
fn main() {
    informer_ours::main();
}
