//! From a text to its value and back.

use super::Format;
use super::amount::{self, Amount, Magnitude};
use crate::leaf::LeafError;

/// Billionth parts of one, as a power of ten.
pub(super) const NANO_PLACES: i64 = 9;
const ONE: Magnitude = Magnitude::Small(1_000_000_000);
/// The greatest value of a text with a binary suffix.
const BINARY_MAX: Magnitude = Magnitude::Small(i64::MAX as u128 * 1_000_000_000);
/// The greatest exponent. Go has no limit and hangs on `1e2147483648`.
const EXPONENT_MAX: i64 = 1000;

const DECIMAL: [(&str, i64); 10] =
    [("", 0), ("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

pub(super) fn parse(text: &str) -> Result<(Amount, Format), LeafError> {
    let fail = |reason: &str| {
        Err(LeafError::new(format!("expected a quantity such as 500m, 1.5 or 2Gi, not `{text}`: {reason}")))
    };
    let (negative, number) = match text.strip_prefix(['+', '-']) {
        Some(number) => (text.starts_with('-'), number),
        None => (false, text),
    };
    let (whole, rest) = split_digits(number);
    let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
    if whole.is_empty() && fraction.is_empty() {
        return fail("it has to begin with a number");
    }

    let (mut factor, mut exponent) = (1, 0);
    let mut format = Format::DecimalSi;
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        exponent = *power;
    } else if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        format = Format::BinarySi;
        factor = 1 << power;
    } else if let Some(power) = suffix.strip_prefix(['e', 'E']).and_then(|power| power.parse::<i64>().ok()) {
        if power > EXPONENT_MAX {
            return fail(&format!("`{suffix}` is greater than e{EXPONENT_MAX}"));
        }
        format = Format::DecimalExponent;
        exponent = power;
    } else {
        return fail(&format!(
            "after the number there is `{suffix}`, and there can be n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or \
             an exponent such as e3"
        ));
    }

    let digits = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0');
    let places = exponent.saturating_add(NANO_PLACES).saturating_sub_unsigned(fraction.len() as u64);
    let mut magnitude = Magnitude::from_digits(digits).times(factor).shifted(places);
    if format == Format::BinarySi {
        magnitude = magnitude.min(BINARY_MAX);
        if magnitude < ONE && magnitude != Magnitude::Small(0) {
            format = Format::DecimalSi;
        }
    }
    Ok((Amount::new(negative, magnitude), format))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The shortest text without a fraction.
pub(super) fn canonical(amount: &Amount, format: Format) -> String {
    let sign = if amount.is_negative() { "-" } else { "" };
    if format == Format::BinarySi
        && let Some(number) = binary(amount.magnitude())
    {
        return format!("{sign}{number}");
    }
    let mut digits = amount.magnitude().digits();
    let zeros = digits.iter().rev().take_while(|digit| **digit == 0).count() as i64;
    let mut exponent = (zeros - NANO_PLACES).div_euclid(3) * 3;
    if amount.is_zero() {
        exponent = 0;
    } else if format != Format::DecimalExponent {
        exponent = exponent.min(18);
    }
    let kept = digits.len().saturating_sub((exponent + NANO_PLACES) as usize);
    digits.truncate(kept.max(1));
    let number = amount::text(&digits);
    if format == Format::DecimalExponent && exponent != 0 {
        return format!("{sign}{number}e{exponent}");
    }
    let suffix = DECIMAL.iter().find(|(_, power)| *power == exponent).map_or("", |(name, _)| name);
    format!("{sign}{number}{suffix}")
}

/// With a binary suffix if the number has one; `None` for fractions and for less than 1024.
fn binary(magnitude: &Magnitude) -> Option<String> {
    let whole = magnitude.clone().shifted(-NANO_PLACES);
    if whole < Magnitude::Small(1024) || whole.clone().shifted(NANO_PLACES) != *magnitude {
        return None;
    }
    let mut suffix = "";
    let number = match whole {
        Magnitude::Small(mut number) if *magnitude <= BINARY_MAX => {
            for (name, _) in BINARY {
                if number % 1024 != 0 {
                    break;
                }
                number /= 1024;
                suffix = name;
            }
            number.to_string()
        }
        // With a suffix a reader would cut it down.
        _ => amount::text(&whole.digits()),
    };
    Some(number + suffix)
}
