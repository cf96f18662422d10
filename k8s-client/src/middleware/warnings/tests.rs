use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_api::transport::Body;

use super::{REMEMBERED, Warnings, texts};
use crate::middleware::stack::Policies;
use crate::middleware::testing::{End, GET, Rig, Step, answer_with, call};

#[test]
fn headers_are_read_as_the_standard_has_them() {
    for (header, expected) in [
        (r#"299 - "old""#, vec!["old"]),
        (r#"  299 - "old"  "#, vec!["old"]),
        (r#"299 - "a \"b\" \\ c""#, vec![r#"a "b" \ c"#]),
        (r#"299 - "old" "Sat, 25 Aug 2012 23:34:45 GMT""#, vec!["old"]),
        (r#"299 - "a, b", 299 api "c" "Sat, 25 Aug 2012 23:34:45 GMT", 299 - "d""#, vec!["a, b", "c", "d"]),
        (r#"299 - "ü""#, vec!["ü"]),
        // For machines, not for people.
        (r#"110 - "stale", 299 - "old""#, vec!["old"]),
        (r#"299 - """#, vec![]),
        // Nobody's terminal is written to.
        ("299 - \"a\tb\"", vec![]),
        ("299 - \"a\u{9b}b\"", vec![]),
        // What can't be read ends it.
        ("", vec![]),
        ("299", vec![]),
        ("299 -", vec![]),
        ("29 - \"a\"", vec![]),
        ("+99 - \"a\"", vec![]),
        ("299 - a", vec![]),
        ("299 - \"a", vec![]),
        (r#"299 - "a\"#, vec![]),
        (r#"299 - "a" rest, 299 - "b""#, vec![]),
        (r#"299 - "a", 299"#, vec!["a"]),
    ] {
        assert_eq!(texts(header), expected, "{header}");
    }
}

fn warned(text: &str) -> Step {
    answer_with(200, ("warning", &format!("299 - \"{text}\"")))
}

#[test]
fn each_text_is_logged_once() {
    let log = crate::test_log::capture();
    let it = Rig::new(Policies::default(), [warned("one"), warned("one"), warned("two"), warned("one")]);
    (0..4).for_each(|_| drop(it.get()));
    let text = log.take();
    assert_eq!((text.matches("warns: one").count(), text.matches("warns: two").count()), (1, 1), "{text}");
    assert!(text.contains("WARN") && text.contains("operation=get pods"), "{text}");
}

#[test]
fn a_program_hears_each_or_each_once_or_none() {
    type Make = fn(Box<dyn Fn(&str) + Send + Sync>) -> Warnings;
    let makes: [(Make, usize); 3] = [
        (|tell| Warnings::once(move |_, text| tell(text)), 1),
        (|tell| Warnings::each(move |_, text| tell(text)), 2),
        (|_| Warnings::ignore(), 0),
    ];
    for (make, count) in makes {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = heard.clone();
        let warnings = make(Box::new(move |text| noted.lock().unwrap().push(text.to_owned())));
        let it = Rig::new(Policies { warnings, ..Policies::default() }, [warned("one")]);
        it.get().unwrap();
        it.send(call(&GET, Body::Empty)).unwrap();
        assert_eq!(*heard.lock().unwrap(), vec!["one"; count]);
    }
}

#[test]
fn a_refusal_may_warn_too() {
    let step = Step {
        after: Duration::ZERO,
        end: End::Answer(404, vec![("warning", "299 - \"old\"".to_owned())], vec![]),
    };
    let log = crate::test_log::capture();
    Rig::new(Policies::default(), [step]).get().unwrap();
    assert!(log.take().contains("warns: old"));
}

#[test]
fn what_is_remembered_is_bounded() {
    let heard = Arc::new(Mutex::new(0));
    let count = heard.clone();
    let warnings = Warnings::once(move |_, _| *count.lock().unwrap() += 1);
    let said = || warnings.0.as_ref().unwrap().said.as_ref().unwrap().lock().unwrap().len();
    for number in 0..3 * REMEMBERED {
        warnings.0.as_ref().unwrap().hear(&GET, &number.to_string());
        assert!(said() <= REMEMBERED);
    }
    assert_eq!(*heard.lock().unwrap(), 3 * REMEMBERED);
}
