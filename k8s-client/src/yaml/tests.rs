use proptest::prelude::*;
use serde_json::Value;

use super::{Mistake, Node, Reason, read};

/// A tree, or nothing: how another reader takes the same text. Only for several documents does it read to the end.
fn theirs(text: &str) -> Option<Value> {
    let one = serde_saphyr::from_str::<Value>(text).ok();
    one.filter(|_| serde_saphyr::from_multiple::<Value>(text).is_ok())
}

fn ours(text: &str) -> Option<Value> {
    read(text, 64).ok().map(|node| serde_json::to_value(node).unwrap())
}

#[test]
fn what_a_text_means() {
    for text in [
        "",
        "# nothing\n",
        "---\n",
        "---\n...\n",
        "a: 1\n",
        "{a: [1, -2, +3, 0, -0, 18446744073709551615, -9223372036854775808, 1_000, 1__0, _1, 1_, -1_0]}",
        "[0123, -0123, 00, 0x1f, 0X1F, -0x1f, 0o17, 0b101, 0xg, 0x, 0x_1, +0x1, 08, 1.5, .5, 5., 1e5, 1E+5, 1e, -1.5e-3]",
        "[18446744073709551616, -9223372036854775809, 1e300, 0.1, -0.0, 12e03, 1.2.3, 1-2, '1', \"1\"]",
        "[true, True, TRUE, tRuE, yes, no, on, off, y, n, Y, N, false, null, Null, NULL, ~, nUll]",
        "[inf, nan, infinity, Inf, NaN, -inf, 1_0.5, 1:30, 2020-01-01, +, -, ., +., e5, 0x1.8]",
        "a: ~\nb:\nc: ''\nd: \"\"\ne: null\n? f\n: g\n",
        "? a\n? b\n",
        "1: a\ntrue: b\n'': e\n1.5: f\n",
        "~: c\n",
        "null: d\n",
        ": e\n",
        "'null': f\n!!str null: g\n",
        "a: |\n  two\n  lines\nb: >-\n  one\n  line\n\n  more\nc: |+\n  kept\n\nd: \"\\x41\\u00e9\\U0001F600\\n\"\n",
        "a: &x [1, {b: c}]\nd: *x\ne: &y text\n*y : value\n",
        "base: &b {x: 1, y: 2}\none:\n  <<: *b\n  y: 3\nmany:\n  <<: [*b, {x: 9, z: 4}]\nquoted:\n  '<<': 1\n",
        "a:\n  <<: {b: 1}\n  <<: {c: 2}\n",
        "f: ! 1\ng: ! ''\n",
        "g: !own 1\nh: !own [1]\ni: !own '1'\n",
        "h: !!other 2020-01-01\n",
        "a: !!binary aGVsbG8=\nb: !!binary |\n  aGVs\n  bG8=\n",
        "a: !!seq [1]\nb: !!map {c: d}\n",
        "a: [1, 2, ]\nb: {c, d: , e: 1}\n",
        "a: b: c\n",
        "a: 'it''s'\nb: \"a \\\n  b\"\nc: word # a comment\nd: a#b\n",
        "%YAML 1.2\n---\na: 1\n",
        "\u{feff}a: 1\n",
        "a:\n- b\n- c: d\n  e: f\n-\n  - g\n",
        "a: *unknown\n",
        "a: &a [*a]\n",
        "a: 1\na: 2\n",
        "a: 1\n'a': 2\n",
        "1: a\n'1': b\n",
        "a: 1\n---\nb: 2\n",
        "a: 1\n...\nb: 2\n",
        "a: [1\n",
        "a: 'b\n",
        "a: \"\\q\"\n",
        "[a]: b\n",
        "{a: b}: c\n",
        "a:\n\tb: c\n",
        "a: .inf\n",
        "a: 1e999\n",
        "a: !!int x\n",
        "a: !!seq {}\n",
        "a: !!map []\n",
        "a: !!str [1]\n",
        "<<: 1\n",
        "<<: [1]\n",
        "<<: null\n",
        "- a\nb: c\n",
        "a\nb\n",
        "'a'\n",
        "@a: b\n",
        "a: `b\n",
    ] {
        assert_eq!(ours(text), theirs(text), "{text}");
    }
}

/// The other reader refuses these where no type is asked for.
#[test]
fn a_tag_says_what_a_text_is() {
    let read =
        "[!!str 1, !!str ~, !!int '1', !!int -0x1, !!float 1, !!float '1.5', !!bool 'true', !!null '']";
    let expected = serde_json::json!(["1", "~", 1, -1, 1.0, 1.5, true, null]);
    assert_eq!(ours(read), Some(expected));
    assert_eq!(ours("!!int x").or(ours("!!bool 1")).or(ours("!!float x")), None);
}

#[test]
fn what_repeats_itself_has_an_end() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = format!("*a{},", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    assert_eq!(read(&text, 64).unwrap_err().reason, Reason::Broken);
    // What is nested is counted once, however deep it is.
    let many = format!("{}{}{}", "[".repeat(60), "x, ".repeat(200_000), "]".repeat(60));
    assert!(read(&many, 64).is_ok());
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert!(read(&deep, 64).is_ok());
    assert!(read(&deep, 63).is_err());
    let by_alias = "a: &a [[[1]]]\nb: [[*a]]\n";
    assert!(read(by_alias, 6).is_ok());
    assert!(read(by_alias, 5).is_err());
}

#[test]
fn a_mistake_has_its_place() {
    let at = |text, line, column, reason| {
        assert_eq!(read(text, 64).unwrap_err(), Mistake { line, column, reason });
    };
    at("a: 1\nb:\n  c: 1\n  c: 2\n", 4, 3, Reason::Twice("c".to_owned()));
    at("a: 1\n...\nb: 2\n", 3, 1, Reason::Second);
    at("a: \"b", 1, 4, Reason::Ends);
    at("a: [1,", 1, 4, Reason::Ends);
    at("a: *b\n", 1, 4, Reason::Broken);
}

/// Pieces that mean something to YAML, put together at random.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "a", "b", "c", "1", "-1", "0x1", "1.5", "true", "null", "~", "''", "'a b'", "\"x\\ty\"", "on", "0123", "&x ", "*x",
            "<<", "|\n   a\n   b", ">\n   a",
        ]),
        5 => prop::sample::select(vec![": ", "- ", "\n", "\n  ", "\n    ", ", ", "[", "]", "{", "}", " ", "# x\n", "? "]),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::with_cases(5_000)
    })]

    #[test]
    fn any_text_means_what_it_means_to_another_reader(text in pieces()) {
        prop_assert_eq!(ours(&text), theirs(&text), "{}", text);
    }
}

#[test]
fn nothing_of_it_is_printed() {
    let node = read("token: hunter2\nlist: [hunter2]", 64).unwrap();
    assert!(!format!("{node:?} {node:#?}").contains("hunter2"));
    assert_ne!(node, Node::Null);
}
