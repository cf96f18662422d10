//! What is read from outside, given what nobody would send.
//!
//! A target is a function that takes any bytes and panics if something is wrong. The program `fuzz` runs one with a stable
//! compiler, over inputs that it changes at random; `fuzz_targets/one.rs` runs the same functions under libFuzzer:
//! `K8S_FUZZ_TARGET=json cargo fuzz run --features libfuzzer one`, which needs cargo-fuzz and a nightly compiler.

pub mod mutate;
mod seeds;
mod server;
pub mod targets;
