use super::{FrameError, Frames};
use bytes::Bytes;
use proptest::prelude::*;

/// All frames of a stream cut into these chunks, and how it ended.
fn split(mut frames: Frames, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), FrameError>) {
    let mut found = Vec::new();
    for chunk in chunks {
        frames.push(Bytes::copy_from_slice(chunk));
        while let Some(frame) = frames.next() {
            match frame {
                Ok(frame) => found.push(frame.to_vec()),
                Err(error) => return (found, Err(error)),
            }
        }
    }
    (found, frames.finish())
}

fn json(text: &str, limit: usize) -> (Vec<String>, Result<(), FrameError>) {
    let (found, end) = split(Frames::json(limit), &[text.as_bytes()]);
    (found.into_iter().map(|frame| String::from_utf8(frame).unwrap()).collect(), end)
}

#[test]
fn objects_need_no_newline() {
    let one = r#"{"a":"}\"{","b":[{}]}"#;
    for (text, count) in [
        (format!("{one}\n{one}\n"), 2),
        (format!("{one}{one}"), 2),
        (format!(" \r\n\t{one}\n\n  {one} "), 2),
        (one.to_owned(), 1),
        (" \n".to_owned(), 0),
    ] {
        assert_eq!(json(&text, 100), (vec![one.to_owned(); count], Ok(())), "{text}");
    }
    let pretty = "{\n  \"a\": {}\n}";
    assert_eq!(json(&format!("{pretty}\n{pretty}\n"), 100).0, [pretty, pretty]);
}

#[test]
fn what_is_no_object_ends_the_stream() {
    for text in ["null", "<html>", "[{}]", "\"a\"", "}"] {
        assert_eq!(json(&format!("{{}} {text}"), 100).1, Err(FrameError::NotAnObject(text.as_bytes()[0])));
    }
    let mut frames = Frames::json(100);
    frames.push(Bytes::from_static(b"x"));
    assert!(frames.next().unwrap().is_err());
    frames.push(Bytes::from_static(b"{}"));
    assert!(frames.next().unwrap().is_err(), "an error is for good");
}

#[test]
fn a_cut_within_a_frame_is_noticed() {
    for text in [r#"{"a":1"#, r#"{} {"#, r#"{"a}"#] {
        assert_eq!(json(text, 100).1, Err(FrameError::Truncated), "{text}");
    }
    for bytes in [&[0, 0][..], &[0, 0, 0, 2, 7]] {
        assert_eq!(split(Frames::length_delimited(9), &[bytes]).1, Err(FrameError::Truncated));
    }
}

#[test]
fn the_limit_is_exact_and_holds_before_the_frame_is_there() {
    let too_large = Err(FrameError::TooLarge { limit: 7 });
    assert_eq!(json(r#"{"a":1}"#, 7), (vec![r#"{"a":1}"#.to_owned()], Ok(())));
    assert_eq!(json(r#"{"a":12}"#, 7).1, too_large);
    assert_eq!(json(r#"{"a":12,"#, 7).1, too_large, "not whole");
    let small: Vec<&[u8]> = br#"{"a":12}"#.chunks(3).collect();
    assert_eq!(split(Frames::json(7), &small).1, too_large, "in small chunks");
    assert_eq!(split(Frames::length_delimited(7), &[&[0, 0, 0, 8]]).1, too_large, "only announced");
    assert_eq!(split(Frames::length_delimited(7), &[&[255; 4]]).1, too_large);
    let whole = [0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7];
    assert_eq!(split(Frames::length_delimited(7), &[&whole]), (vec![whole[4..].to_vec()], Ok(())));
}

#[test]
fn a_frame_in_one_chunk_is_not_copied() {
    for (mut frames, chunk) in [
        (Frames::json(99), &b"{}\n{\"a\":1}"[..]),
        (Frames::length_delimited(99), b"\0\0\0\x02ab\0\0\0\x01c"),
    ] {
        let chunk = Bytes::copy_from_slice(chunk);
        let range = chunk.as_ptr_range();
        frames.push(chunk.clone());
        for _ in 0..2 {
            assert!(range.contains(&frames.next().unwrap().unwrap().as_ptr()));
        }
    }
}

/// The same by lines: what is read of a frame is the frame, and whether serde_json takes it for a value.
fn by_lines(mut frames: Frames, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), FrameError>) {
    let mut found = Vec::new();
    for chunk in chunks.iter().map(Some).chain([None]) {
        match chunk {
            Some(chunk) => frames.push(Bytes::copy_from_slice(chunk)),
            None => frames.end(),
        }
        let read =
            |frame: &Bytes| (frame.to_vec(), serde_json::from_slice::<serde_json::Value>(frame).is_ok());
        while let Some(frame) = frames.next_as(read, |(_, whole)| *whole) {
            match frame {
                Ok((frame, _)) => found.push(frame),
                Err(error) => return (found, Err(error)),
            }
        }
    }
    (found, frames.finish())
}

#[test]
fn a_line_is_read_without_looking_for_its_end_in_brackets() {
    let mut frames = Frames::json(100);
    frames.push(Bytes::from_static(b"{\"a\":1}\n{\"b\":2}\n{\"c\":"));
    // Whatever it is told to be whole, it takes for a frame.
    let read = |frame: &Bytes| frame.clone();
    assert_eq!(frames.next_as(read, |_| true).unwrap().unwrap(), "{\"a\":1}");
    assert_eq!(frames.next_as(read, |_| true).unwrap().unwrap(), "{\"b\":2}");
    assert_eq!(frames.next_as(read, |_| true), None);
    // An object that is there is not waited with for its newline.
    frames.push(Bytes::from_static(b"3}"));
    assert_eq!(frames.next_as(read, |_| true).unwrap().unwrap(), "{\"c\":3}");
    // A frame that can't be read is told once, and does not cost the next line its speed.
    frames.push(Bytes::from_static(b"\n{x}\n{y\n"));
    let mut reads = 0;
    let mut count = |frame: &Bytes| {
        reads += 1;
        frame.clone()
    };
    assert_eq!(frames.next_as(&mut count, |_| false).unwrap().unwrap(), "{x}");
    assert_eq!(reads, 1);
    assert!(frames.lines);
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1".to_owned()),
        // Inside a string everything may stand that has a meaning outside.
        proptest::collection::vec(
            prop::sample::select(vec!["{", "}", "\\\"", "\\\\", "a", "\\n", "é"]),
            0..5
        )
        .prop_map(|parts| format!("\"{}\"", parts.concat())),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|parts| format!("[{}]", parts.join(","))),
            proptest::collection::vec(inner, 0..4).prop_map(|parts| object(&parts)),
        ]
    })
}

fn object(values: &[String]) -> String {
    let fields: Vec<_> = values.iter().map(|value| format!("\"k\" :\n{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// Cuts at the given places, which wrap around.
fn cut<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for size in sizes.iter().cycle() {
        let (chunk, rest) = bytes.split_at((*size).min(bytes.len()));
        chunks.push(chunk);
        bytes = rest;
        if bytes.is_empty() {
            return chunks;
        }
    }
    vec![bytes]
}

proptest! {
    #[test]
    fn chunks_do_not_change_objects(
        values in proptest::collection::vec((value(), prop::sample::select(vec!["", "\n", " \r\n"])), 0..8),
        sizes in proptest::collection::vec(1..40_usize, 0..6),
    ) {
        let objects: Vec<_> = values.iter().map(|(value, _)| object(std::slice::from_ref(value))).collect();
        let stream: String = objects.iter().zip(&values).map(|(object, (_, gap))| format!("{object}{gap}")).collect();
        let expected: Vec<_> = objects.iter().map(|object| object.as_bytes().to_vec()).collect();
        for way in [split, by_lines] {
            let (found, end) = way(Frames::json(10_000), &cut(stream.as_bytes(), &sizes));
            prop_assert_eq!(found, expected.clone());
            prop_assert_eq!(end, Ok(()));
        }
    }

    #[test]
    fn chunks_do_not_change_delimited_frames(
        expected in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 0..8),
        sizes in proptest::collection::vec(1..40_usize, 0..6),
    ) {
        let mut stream = Vec::new();
        for frame in &expected {
            stream.extend(u32::try_from(frame.len()).unwrap().to_be_bytes());
            stream.extend(frame);
        }
        let (found, end) = split(Frames::length_delimited(30), &cut(&stream, &sizes));
        prop_assert_eq!(found, expected);
        prop_assert_eq!(end, Ok(()));
    }

    /// Also of streams that are broken, or longer than they may be.
    #[test]
    fn lines_are_the_same_frames(
        parts in proptest::collection::vec(prop::sample::select(vec!["{", "}", "{\"a\":1}", "{}", "\n", "\n", " ", "\"", "\\", "x", "\"a\":1"]), 0..30),
        sizes in proptest::collection::vec(1..9_usize, 0..4),
    ) {
        let stream = parts.concat();
        let chunks = cut(stream.as_bytes(), &sizes);
        prop_assert_eq!(split(Frames::json(12), &chunks), by_lines(Frames::json(12), &chunks));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), sizes in proptest::collection::vec(1..9_usize, 0..4)) {
        let _ = split(Frames::json(20), &cut(&bytes, &sizes));
        let _ = split(Frames::length_delimited(20), &cut(&bytes, &sizes));
    }
}
