//! The answers that k8s-api's own test compares with are still Go's.

use k8s_tests::go;
use serde_json::Value;

#[test]
fn the_expected_answers_are_what_go_gives() {
    let go = go::jsonpath(include_str!("../../k8s-api/tests/jsonpath/corpus.json")).unwrap();
    let expected: Value =
        serde_json::from_str(include_str!("../../k8s-api/tests/jsonpath/expected.json")).unwrap();
    assert_eq!(go, expected, "make it anew as CONTRIBUTING.md says");
}
