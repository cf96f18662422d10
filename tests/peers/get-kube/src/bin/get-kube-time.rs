//! With the allocator that users get.
fn main() {
    get_kube::main();
}
