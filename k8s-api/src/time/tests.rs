use super::*;

/// What Go's `json.Unmarshal` accepts into a `metav1.Time`, and what `json.Marshal` and `Marshal` give of it as `Time` and
/// `MicroTime`.
#[test]
#[rustfmt::skip]
fn is_read_and_written_byte_for_byte_as_go_does() {
    for (text, micro, time_protobuf, micro_protobuf) in [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z", "08c0ddf7cb061000", "08c0ddf7cb061000"),
        ("2026-01-31T12:00:00.999999999Z", "2026-01-31T12:00:00.999999Z", "08c0ddf7cb061000", "08c0ddf7cb0610988cebdc03"),
        ("2026-01-31T12:00:00,5Z", "2026-01-31T12:00:00.500000Z", "08c0ddf7cb061000", "08c0ddf7cb061080cab5ee01"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000000Z", "08a0a5f7cb061000", "08a0a5f7cb061000"),
        ("2026-01-31T12:00:00-11:30", "2026-01-31T23:30:00.000000Z", "08f8a0facb061000", "08f8a0facb061000"),
        ("2026-01-31T2:00:00Z", "2026-01-31T02:00:00.000000Z", "08a0c4f5cb061000", "08a0c4f5cb061000"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z", "088092ffae061000", "088092ffae061000"),
        ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z", "088098ecc5031000", "088098ecc5031000"),
        ("2026-12-31T23:59:59.1234567890123Z", "2026-12-31T23:59:59.123456Z", "08ffd8dbd9061000", "08ffd8dbd906108094ef3a"),
        ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z", "088088aeb498feffffff011000", "088088aeb498feffffff011000"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000Z", "08ff82d1ffaf071000", "08ff82d1ffaf071000"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z", "08ffffffffffffffffff011000", "08ffffffffffffffffff011080cab5ee01"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z", "08001000", "08001000"),
        ("2026-01-31T12:00:00+24:00", "2026-01-30T12:00:00.000000Z", "08c0baf2cb061000", "08c0baf2cb061000"),
        ("2026-01-31T12:00:00+23:60", "2026-01-30T12:00:00.000000Z", "08c0baf2cb061000", "08c0baf2cb061000"),
        ("2026-01-31T12:00:00.123Z", "2026-01-31T12:00:00.123000Z", "08c0ddf7cb061000", "08c0ddf7cb0610c0a9d33a"),
        ("2026-01-31T12:00:00.123456789+01:00", "2026-01-31T11:00:00.123456Z", "08b0c1f7cb061000", "08b0c1f7cb06108094ef3a"),
        // Go's JSON has null here.
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z", "", ""),
    ] {
        let time: Time = text.parse().unwrap();
        let micro_time: MicroTime = text.parse().unwrap();
        assert_eq!(micro_time.to_string(), micro);
        assert_eq!(time.to_string(), micro.split('.').next().unwrap().to_owned() + "Z");
        goes_both_ways(time, time_protobuf);
        goes_both_ways(micro_time, micro_protobuf);
        assert_eq!(Time::from(micro_time), time);
        assert_eq!(MicroTime::from(time).unix_seconds(), micro_time.unix_seconds());
        assert_eq!(SystemTime::try_from(micro_time).unwrap().try_into(), Ok(micro_time));
        assert_eq!(SystemTime::try_from(time).unwrap().try_into(), Ok(time));
    }
}

fn goes_both_ways<T>(time: T, protobuf: &str)
where
    T: Leaf + Default + PartialEq + fmt::Debug + Serialize + for<'de> Deserialize<'de>,
{
    let mut bytes = Vec::new();
    time.write_protobuf(&mut bytes);
    assert_eq!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), protobuf, "{time:?}");
    let mut read = T::default();
    read.set(Scalar::Text("2001-01-01T00:00:00Z".into())).unwrap();
    read.read_protobuf(&bytes).unwrap();
    assert_eq!(read, time);
    let json = serde_json::to_string(&time).unwrap();
    assert_eq!(json, format!("\"{time:?}\""));
    assert_eq!(serde_json::from_str::<T>(&json).unwrap(), time);
    assert_eq!(serde_json::from_reader::<_, T>(json.as_bytes()).unwrap(), time);
    let mut read = T::default();
    read.set(time.get()).unwrap();
    assert_eq!(read, time);
}

#[test]
fn what_go_refuses_is_refused() {
    for text in [
        "",
        "soon",
        "2026-01-31t12:00:00z",
        "2026-01-31 12:00:00Z",
        "2026-1-31T12:00:00Z",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T23:59:60Z",
        "2026-12-31T23:59:59.Z",
        "2026-01-31T12:00:00+25:00",
        "2026-01-31T12:00:00+23:61",
        "2026-01-31T12:00:00+0200",
        "2026-01-31T12:00:00Zx",
        "2026-01-31T12:00:00.5 Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "12026-01-01T00:00:00Z",
        "-026-01-31T12:00:00Z",
        "２026-01-31T12:00:00Z",
        // These two Go reads, and writes with a year of five digits and a year below zero, which nothing reads.
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00+00:01",
    ] {
        assert_eq!(
            text.parse::<Time>().unwrap_err().to_string(),
            format!("expected a time such as 2026-01-31T12:00:00Z, not `{text}`")
        );
        assert!(text.parse::<MicroTime>().is_err());
    }
    let mut time = Time::now();
    assert_eq!(
        time.set(Scalar::Int(7)).unwrap_err().to_string(),
        "expected a time such as 2026-01-31T12:00:00Z, not `7`"
    );
    assert!(serde_json::from_str::<Time>("7").is_err());
}

#[test]
fn protobuf_that_is_no_time_is_refused() {
    // After the year 9999; a billion nanoseconds; nanoseconds below zero; cut off.
    for bytes in [
        &b"\x08\x80\x83\xd1\xff\xaf\x07"[..],
        b"\x10\x80\x94\xeb\xdc\x03",
        b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x08",
    ] {
        let mut time = MicroTime::default();
        assert!(time.read_protobuf(bytes).is_err(), "{bytes:x?}");
        assert!(time.is_zero());
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn eight_bytes_also_in_an_option() {
    assert_eq!(size_of::<Time>(), 8);
    assert_eq!(size_of::<Option<Time>>(), 8);
    assert_eq!(size_of::<Option<MicroTime>>(), 8);
}

#[test]
fn the_default_is_gos_zero_time() {
    assert_eq!(Time::default().to_string(), "0001-01-01T00:00:00Z");
    assert!(Time::default().is_zero() && !Time::now().is_zero());
}

#[test]
fn the_ends_of_the_range_are_in_it() {
    for (seconds, text) in [(FIRST, "0000-01-01T00:00:00Z"), (LAST, "9999-12-31T23:59:59Z")] {
        let time = Time::from_unix(seconds, 999_999_999).unwrap();
        assert_eq!(time.to_string(), text);
        assert_eq!((time.unix_seconds(), time.subsec_nanos()), (seconds, 0));
    }
    assert_eq!(MicroTime::from_unix(LAST, 999_999_999).unwrap().subsec_nanos(), 999_999_000);
    for (seconds, nanos) in
        [(FIRST - 1, 0), (LAST + 1, 0), (i64::MIN, 0), (i64::MAX, 0), (0, NANOS), (0, u32::MAX)]
    {
        assert_eq!(Time::from_unix(seconds, nanos), None);
        assert_eq!(MicroTime::from_unix(seconds, nanos), None);
    }
}

#[test]
fn times_are_ordered_and_can_be_reckoned_with() {
    let early: MicroTime = "1969-12-31T23:59:59.75Z".parse().unwrap();
    let late = early.checked_add(Duration::from_millis(500)).unwrap();
    assert_eq!(late.to_string(), "1970-01-01T00:00:00.250000Z");
    assert!(early < late && Some(early) > None);
    assert_eq!(late.saturating_duration_since(early), Duration::from_millis(500));
    assert_eq!(early.saturating_duration_since(late), Duration::ZERO);
    assert_eq!(late.checked_add(Duration::MAX), None);
    assert_eq!(late.checked_add(Duration::from_secs(LAST as u64 + 1)), None);
}

#[test]
fn the_systems_time_is_the_same() {
    let half = Duration::from_millis(500);
    for (system, text) in [
        (SystemTime::UNIX_EPOCH + half, "1970-01-01T00:00:00.500000Z"),
        (SystemTime::UNIX_EPOCH - half, "1969-12-31T23:59:59.500000Z"),
        (SystemTime::UNIX_EPOCH - half - half, "1969-12-31T23:59:59.000000Z"),
    ] {
        let time = MicroTime::try_from(system).unwrap();
        assert_eq!(time.to_string(), text);
        assert_eq!(SystemTime::try_from(time), Ok(system));
    }
    let before = MicroTime::try_from(SystemTime::now()).unwrap();
    let now = MicroTime::now();
    assert!(before <= now && now <= MicroTime::try_from(SystemTime::now()).unwrap());
    assert!(Time::try_from(SystemTime::UNIX_EPOCH + Duration::from_secs(LAST as u64 + 1)).is_err());
}
