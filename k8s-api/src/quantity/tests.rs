use std::collections::hash_map::DefaultHasher;

use proptest::prelude::*;

use super::*;

/// From Go's own tests and around their edges, as apimachinery v0.37.1 answers: the text, its format, its canonical text
/// and its value in billionth parts.
const TEXTS: &str = "
0|D|0|0
0n|D|0|0
0Ki|B|0|0
00|D|0|0
-0|D|0|0
1|D|1|1000000000
+1|D|1|1000000000
007|D|7|7000000000
1Ki|B|1Ki|1024000000000
8Ki|B|8Ki|8192000000000
7Mi|B|7Mi|7340032000000000
6Gi|B|6Gi|6442450944000000000
5Ti|B|5Ti|5497558138880000000000
4Pi|B|4Pi|4503599627370496000000000
3Ei|B|3Ei|3458764513820540928000000000
100Ti|B|100Ti|109951162777600000000000
1024Mi|B|1Gi|1073741824000000000
1025Mi|B|1025Mi|1074790400000000000
1001Gi|B|1001Gi|1074815565824000000000
5n|D|5n|5
4u|D|4u|4000
3m|D|3m|3000000
9|D|9|9000000000
8k|D|8k|8000000000000
50k|D|50k|50000000000000
7M|D|7M|7000000000000000
6G|D|6G|6000000000000000000
5T|D|5T|5000000000000000000000
40T|D|40T|40000000000000000000000
300T|D|300T|300000000000000000000000
2P|D|2P|2000000000000000000000000
1E|D|1E|1000000000000000000000000000
12E|D|12E|12000000000000000000000000000
1000|D|1k|1000000000000
1000M|D|1G|1000000000000000000
1000000k|D|1G|1000000000000000000
1000u|D|1m|1000000
1.08|D|1080m|1080000000
1080000000n|D|1080m|1080000000
1234567M|D|1234567M|1234567000000000000000
1E-3|E|1e-3|1000000
1e3|E|1e3|1000000000000
1E6|E|1e6|1000000000000000
1e9|E|1e9|1000000000000000000
1e14|E|100e12|100000000000000000000000
1e13|E|10e12|10000000000000000000000
1E18|E|1e18|1000000000000000000000000000
1.3E+6|E|1300e3|1300000000000000
1.53E12|E|1530e9|1530000000000000000000
1.7E18|E|1700e15|1700000000000000000000000000
2e1|E|20|20000000000
1.5e3|E|1500|1500000000000
0.5e-1|E|50e-3|50000000
.001e12|E|1e9|1000000000000000000
1000e-12|E|1e-9|1
1e-10|E|1e-9|1
1e-100|E|1e-9|1
1e40|E|10e39|10000000000000000000000000000000000000000000000000
100.035k|D|100035|100035000000000
0.001|D|1m|1000000
0.0005k|D|500m|500000000
0.00500|D|5m|5000000
9.01|D|9010m|9010000000
7.123456M|D|7123456|7123456000000000
6.987654321G|D|6987654321|6987654321000000000
1.01E|D|1010P|1010000000000000000000000000
3.001n|D|4n|4
-3.001n|D|-4n|-4
1.1E-9|E|2e-9|2
0.0000000001|D|1n|1
0.00000012345|D|124n|124
9Ei|B|9223372036854775807|9223372036854775807000000000
-9Ei|B|-9223372036854775807|-9223372036854775807000000000
8Ei|B|9223372036854775807|9223372036854775807000000000
7.999999999Ei|B|9223372035701854303393153024n|9223372035701854303393153024
9223372036854775807|D|9223372036854775807|9223372036854775807000000000
9223372036854775808|D|9223372036854775808|9223372036854775808000000000
9223372036854775807Ki|B|9223372036854775807|9223372036854775807000000000
100.035Ki|B|102435840m|102435840000000
0.5Mi|B|512Ki|524288000000000
0.5Ki|B|512|512000000000
0.05Gi|B|53687091200m|53687091200000000
0.025Ti|B|27487790694400m|27487790694400000000
1.1Ki|B|1126400m|1126400000000
0.0009765625Ki|B|1|1000000000
0.0001Ki|D|102400u|102400000
.001Ki|B|1024m|1024000000
.000000001Ki|D|1024n|1024
0.000000000001Ki|D|2n|2
-0.000000000001Ki|D|-2n|-2
.001|D|1m|1000000
1.|D|1|1000000000
1.G|D|1G|1000000000000000000
5.m|D|5m|5000000
1000.000000001Ki|B|1024000000001024n|1024000000001024
123456789012345678901234567890|D|123456789012345678901234567890|123456789012345678901234567890000000000
-123456789012345678901234567890.5|D|-123456789012345678901234567890500m|-123456789012345678901234567890500000000
0.123456789012345678|D|123456790n|123456790
12345678901234567890123456789012345678901234567890.123456789012E|D|12345678901234567890123456789012345678901234567890123456789012M|12345678901234567890123456789012345678901234567890123456789012000000000000000
400000000000000000000000000000000000000.5|D|400000000000000000000000000000000000000500m|400000000000000000000000000000000000000500000000
";

/// What Go answers to two quantities: how they compare, their sum, their difference, and the first one times a number.
const PAIRS: &str = "
1|1000m|0|2|0|-26|-26
100m|50m|1|150m|50m|-12|-1200m
10000T|100Gi|1|10000107374182400|9999892625817600|2|20P
0|1Gi|-1|1Gi|-1Gi|16|0
1Gi|0|1|1Gi|1Gi|30|30Gi
1Gi|1Gi|0|2Gi|0|44|44Gi
1Gi|500M|1|1573741824|573741824|58|58Gi
1.5|0.5|1|2|1|72|108
1Ki|1|1|1025|1023|86|86Ki
1023|1Ki|-1|2047|-1|100|102300
1e3|1k|0|2e3|0|114|114e3
1k|1e3|0|2k|0|128|128k
-1|1|-1|0|-2|142|-142
-1Gi|512Mi|-1|-512Mi|-1536Mi|156|-156Gi
1n|1E|-1|1000000000000000000000000001n|-999999999999999999999999999n|170|170n
9223372036854775807|1|1|9223372036854775808|9223372036854775806|184|1697100454781278748488
-9223372036854775808|1|-1|-9223372036854775807|-9223372036854775809|198|-1826227663297245609984
7Pi|1Ki|1|7696581394433Ki|7696581394431Ki|212|1484Pi
0Ki|5m|-1|5m|-5m|226|0
123456789012345678901234567890|1n|1|123456789012345678901234567890000000001n|123456789012345678901234567889999999999n|240|29629629362962962936296296293600
400000000000000000000000000000000000001|-400000000000000000000000000000000000000.000000001|1|999999999n|800000000000000000000000000000000000001000000001n|254|101600000000000000000000000000000000000254
-0.1|0.1|-1|0|-200m|268|-26800m
1e40|1|1|10000000000000000000000000000000000000001|9999999999999999999999999999999999999999|282|2820e39
1|1e40|-1|10000000000000000000000000000000000000001|-9999999999999999999999999999999999999999|296|296
99999999999999999999999999999999999999999999|1n|1|99999999999999999999999999999999999999999999000000001n|99999999999999999999999999999999999999999998999999999n|310|30999999999999999999999999999999999999999999690
0.5Ki|512|0|1Ki|0|324|162Ki
2Pi|1m|1|2251799813685248001m|2251799813685247999m|338|676Pi
";

fn q(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn fields<const N: usize>(table: &str) -> impl Iterator<Item = [&str; N]> {
    table.trim().lines().map(|line| line.split('|').collect::<Vec<_>>().try_into().unwrap())
}

fn nanos(quantity: &Quantity) -> String {
    let amount = quantity.amount();
    let sign = if amount.is_negative() { "-" } else { "" };
    format!("{sign}{}", amount::text(&amount.magnitude().digits()))
}

fn hash(quantity: &Quantity) -> u64 {
    let mut hasher = DefaultHasher::new();
    quantity.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn texts_have_the_value_and_the_canonical_form_that_go_gives_them() {
    for [text, format, canonical, value] in fields(TEXTS) {
        let quantity = q(text);
        let format = match format {
            "D" => Format::DecimalSi,
            "B" => Format::BinarySi,
            _ => Format::DecimalExponent,
        };
        assert_eq!(quantity.format(), format, "{text}");
        assert_eq!(quantity.as_str(), text);
        assert_eq!(quantity.to_string(), text);
        assert_eq!(nanos(&quantity), value, "{text}");
        assert_eq!(quantity.canonical().as_str(), canonical, "{text}");
        assert_eq!(quantity.canonical(), quantity);
        assert_eq!(hash(&quantity.canonical()), hash(&quantity));
        assert_eq!(q(canonical), quantity);
        assert_eq!(quantity.is_zero(), value == "0");
    }
}

#[test]
fn arithmetic_is_gos() {
    for [a, b, compared, sum, difference, factor, product] in fields(PAIRS) {
        let (a, b) = (q(a), q(b));
        assert_eq!((a.cmp(&b) as i8).to_string(), compared, "{a} {b}");
        assert_eq!((b.cmp(&a) as i8).to_string(), (-compared.parse::<i8>().unwrap()).to_string(), "{a} {b}");
        assert_eq!((a.clone() + &b).as_str(), sum, "{a} + {b}");
        assert_eq!((a.clone() - &b).as_str(), difference, "{a} - {b}");
        assert_eq!((&a * factor.parse().unwrap()).as_str(), product, "{a} * {factor}");
        assert_eq!(-&(a.clone() - &b), b.clone() - &a);
    }
}

/// Where Go writes a text that stands for another value: it drops a suffix that it does not have, or the text is cut down
/// to 2^63 - 1 when it is read.
#[test]
fn a_canonical_text_always_stands_for_the_same_value() {
    assert_eq!(q("1000E").canonical().as_str(), "1000E"); // Go: 1
    assert_eq!((&q("1E") * 100_000).as_str(), "100000E"); // Go: 100
    assert_eq!((q("7Ei") + &q("7Ei")).as_str(), "16140901064495857664"); // Go: 14Ei
    assert_eq!((&q("-4Ei") * 4096).as_str(), "-18889465931478580854784"); // Go: -16
}

#[test]
fn a_sum_goes_on_in_the_format_of_its_first_quantity() {
    let mut sum = q("1Gi") + &q("1");
    assert_eq!(sum.as_str(), "1073741825");
    sum -= &q("1");
    assert_eq!(sum.as_str(), "1Gi");
    assert_eq!([q("1Gi"), q("1k"), q("-1000")].iter().sum::<Quantity>().as_str(), "1Gi");
    assert_eq!([q("1Gi"), q("-1Gi"), q("1k"), q("24")].iter().sum::<Quantity>().as_str(), "1024");
    assert_eq!([].iter().sum::<Quantity>(), Quantity::default());
}

#[test]
fn what_is_no_quantity_is_refused_with_the_reason() {
    let reason = |text: &str| {
        let message = text.parse::<Quantity>().unwrap_err().to_string();
        let before = format!("expected a quantity such as 500m, 1.5 or 2Gi, not `{text}`: ");
        message.strip_prefix(&before).unwrap().to_owned()
    };
    for (text, suffix) in [
        ("1.1.M", ".M"),
        ("1+1.0M", "+1.0M"),
        ("0.1mi", "mi"),
        ("0.1am", "am"),
        (".5i", "i"),
        ("1i", "i"),
        ("-3.01e-", "e-"),
        ("1 ", " "),
        ("1e", "e"),
        ("1ee3", "ee3"),
        ("1k1", "k1"),
        ("1K", "K"),
        ("1_0", "_0"),
        ("0x10", "x10"),
        ("1e1.5", "e1.5"),
        ("1gb", "gb"),
        ("1²", "²"),
        ("1e99999999999999999999", "e99999999999999999999"),
    ] {
        assert_eq!(
            reason(text),
            format!(
                "after the number there is `{suffix}`, and there can be n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei \
                 or an exponent such as e3"
            )
        );
    }
    // Go takes the last five for zero.
    for text in ["", "aoeu", " 1", "--1", "NaN", ".", "+", "-.", "m", "Ki"] {
        assert_eq!(reason(text), "it has to begin with a number");
    }
    assert_eq!(reason("1e1001"), "`e1001` is greater than e1000");
    assert_eq!(q("1e1000").canonical().as_str(), "10e999");
    assert_eq!(q("1e-9223372036854775808"), q("1n"));
}

#[test]
fn scaled_rounds_away_from_zero_and_tells_of_an_overflow() {
    for (text, scale, expected) in [
        ("1.5", Scale::One, Some(2)),
        ("-1.5", Scale::One, Some(-2)),
        ("1.5", Scale::Milli, Some(1500)),
        ("1n", Scale::Exa, Some(1)),
        ("0", Scale::Exa, Some(0)),
        ("1n", Scale::Nano, Some(1)),
        ("1500u", Scale::Milli, Some(2)),
        ("2001k", Scale::Mega, Some(3)),
        ("1Gi", Scale::Kilo, Some(1_073_742)),
        ("3T", Scale::Giga, Some(3000)),
        ("3P", Scale::Tera, Some(3000)),
        ("3E", Scale::Peta, Some(3000)),
        ("1m", Scale::Micro, Some(1000)),
        ("9223372036854775807", Scale::One, Some(i64::MAX)),
        ("-9223372036854775808", Scale::One, Some(i64::MIN)),
        ("9223372036854775808", Scale::One, None),
        ("-9223372036854775809", Scale::One, None),
        ("9223372036854775807.000000001", Scale::One, None),
        ("1e40", Scale::One, None),
        ("1e40", Scale::Exa, None),
        ("1234567890123456789.1e20", Scale::Exa, None),
        ("1234567890123456789.1e18", Scale::Exa, Some(1_234_567_890_123_456_790)),
    ] {
        assert_eq!(q(text).scaled(scale), expected, "{text}");
    }
}

#[test]
fn as_i64_is_exact() {
    for (text, expected) in [
        ("1000m", Some(1)),
        ("-2Ki", Some(-2048)),
        ("-0", Some(0)),
        ("1001m", None),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("1n", None),
    ] {
        assert_eq!(q(text).as_i64(), expected, "{text}");
    }
}

#[test]
fn as_f64_is_the_nearest_one() {
    for (text, expected) in [
        ("0", 0.0),
        ("-1500m", -1.5),
        ("0.1", 0.1),
        ("1n", 1e-9),
        // An ulp off in Go's AsFloat64Slow.
        ("100048.008308m", 100.048008308),
        ("123456789012345678901234567890", 123456789012345678901234567890.0),
        ("1e100", 1e100),
        ("1e400", f64::INFINITY),
        ("-1e400", f64::NEG_INFINITY),
    ] {
        assert_eq!(q(text).as_f64(), expected, "{text}");
    }
}

#[test]
fn comes_from_integers() {
    assert_eq!(Quantity::from(1500).as_str(), "1500");
    assert_eq!(Quantity::from(2000_u32).as_str(), "2k");
    assert_eq!(nanos(&Quantity::from(i64::MIN)), "-9223372036854775808000000000");
    assert_eq!(Quantity::new(-1, Scale::Nano, Format::BinarySi).as_str(), "-1n");
    assert_eq!(
        Quantity::new(i64::MAX, Scale::Exa, Format::DecimalExponent).as_str(),
        "9223372036854775807e18"
    );
    assert_eq!(Quantity::new(1500, Scale::Mega, Format::DecimalSi).as_str(), "1500M");
}

#[test]
fn the_default_is_zero() {
    assert_eq!(Quantity::default().to_string(), "0");
    assert!(Quantity::default().is_zero());
    assert_eq!(format!("{:?} {:>3}", Quantity::default(), Quantity::default()), r#"Quantity("0")   0"#);
}

#[test]
#[cfg(target_pointer_width = "64")]
fn is_no_larger_than_its_text_and_format() {
    assert_eq!(size_of::<Quantity>(), 24);
    assert_eq!(size_of::<Option<Quantity>>(), 24);
}

#[test]
fn a_codec_reads_and_writes_the_text_as_it_is() {
    let mut quantity = q("1");
    quantity.set(Scalar::Text(" 1.50Gi\n".into())).unwrap();
    assert_eq!(quantity.get(), Scalar::Text("1.50Gi".into()));
    let mut bytes = Vec::new();
    quantity.write_protobuf(&mut bytes);
    assert_eq!(bytes, b"\n\x061.50Gi");
    let mut read = q("1");
    read.read_protobuf(&bytes).unwrap();
    assert_eq!((read.as_str(), read.format()), ("1.50Gi", Format::BinarySi));
    read.set(Scalar::Int(-5)).unwrap();
    assert_eq!(read.as_str(), "-5");
    for bad in [&b"\n\x01x"[..], b"\n\x01\xff", b"\n\x05", b"\n\0"] {
        assert!(read.read_protobuf(bad).is_err(), "{bad:?}");
    }
    assert!(read.set(Scalar::Text("".into())).is_err());
    assert_eq!(read.as_str(), "-5", "an error leaves it as it was");
    read.read_protobuf(b"").unwrap();
    assert_eq!(read.as_str(), "0");
}

#[test]
fn goes_through_serde() {
    let json = r#"["1.50Gi"," 1m ",5,-5,1.5,18446744073709551615,1e30]"#;
    let expected =
        ["1.50Gi", "1m", "5", "-5", "1.5", "18446744073709551615", "1000000000000000000000000000000"];
    let texts = |read: Vec<Quantity>| read.iter().map(Quantity::to_string).collect::<Vec<_>>();
    assert_eq!(texts(serde_json::from_str(json).unwrap()), expected);
    assert_eq!(texts(serde_json::from_reader(json.as_bytes()).unwrap()), expected);
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(texts(serde_json::from_value(value).unwrap()), expected);
    assert_eq!(serde_json::to_string(&q("1.50Gi")).unwrap(), r#""1.50Gi""#);
    for bad in ["true", "[]", r#""""#, "null"] {
        let error = serde_json::from_str::<Quantity>(bad).unwrap_err().to_string();
        assert!(error.contains("a quantity such as 500m, 1.5 or 2Gi"), "{error}");
    }
}

/// Any quantity, on both sides of where 128 bits end.
fn quantity() -> impl Strategy<Value = Quantity> {
    let suffix =
        prop::sample::select(&["", "n", "u", "m", "k", "E", "Ki", "Gi", "Ei", "e-3", "e7", "e30"][..]);
    ("[+-]?[0-9]{1,45}(\\.[0-9]{0,12})?", suffix).prop_map(|(number, suffix)| q(&(number + suffix)))
}

proptest! {
    #[test]
    fn sums_and_differences_cancel(a in quantity(), b in quantity()) {
        prop_assert_eq!(nanos(&(a.clone() + &b - &b)), nanos(&a));
        prop_assert_eq!(nanos(&(a.clone() + &b)), nanos(&(b.clone() + &a)));
        prop_assert_eq!(a.cmp(&b), (a - &b).cmp(&Quantity::default()));
    }

    #[test]
    fn a_product_is_a_sum(a in quantity(), factor in -9..9_i64) {
        let sum: Quantity = std::iter::repeat_n(&a, factor.unsigned_abs() as usize).sum();
        prop_assert_eq!(nanos(&(&a * factor)), nanos(&if factor < 0 { -&sum } else { sum }));
    }

    #[test]
    fn a_canonical_text_stays_as_it_is(a in quantity()) {
        let canonical = a.canonical();
        prop_assert_eq!(nanos(&q(canonical.as_str())), nanos(&a));
        prop_assert_eq!(canonical.canonical().to_string(), canonical.to_string());
        prop_assert_eq!(hash(&canonical), hash(&a));
    }

    #[test]
    fn long_arithmetic_is_that_of_128_bits(a in any::<i64>(), b in any::<i64>(), factor in any::<i64>()) {
        let number = |value: i128| q(&value.to_string());
        let (long_a, long_b) = (number(a.into()), number(b.into()));
        // Far above what fits, and back: both paths for the same numbers.
        let far = q("1e60");
        prop_assert_eq!(
            (long_a.clone() + &far) + &long_b - &far,
            number(i128::from(a) + i128::from(b))
        );
        prop_assert_eq!((long_a.clone() + &far).cmp(&(long_b + &far)), a.cmp(&b));
        prop_assert_eq!(&long_a * factor, number(i128::from(a) * i128::from(factor)));
        prop_assert_eq!(&(long_a + &far) * factor - &(&far * factor), number(i128::from(a) * i128::from(factor)));
    }
}
