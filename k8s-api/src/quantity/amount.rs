//! Exact whole numbers of any length: the billionth parts of a quantity, which is as fine as quantities are.

use std::cmp::Ordering;

/// A whole number with a sign. Zero is not negative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Amount {
    negative: bool,
    magnitude: Magnitude,
}

/// A whole number without a sign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Magnitude {
    Small(u128),
    /// Decimal digits, the highest first and not zero; only of what is too large for the other variant.
    ///
    /// Only tests and attacks have such quantities: the arithmetic is a school's, in linear time.
    Large(Vec<u8>),
}

use Magnitude::{Large, Small};

/// The powers of ten that fit into 128 bits.
const POWERS: [u128; 39] = {
    let mut powers = [1; 39];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

impl Amount {
    pub(super) fn new(negative: bool, magnitude: Magnitude) -> Amount {
        Amount { negative: negative && magnitude != Small(0), magnitude }
    }

    /// `value` times a power of ten.
    pub(super) fn from_i64(value: i64, places: u32) -> Amount {
        Amount::new(value < 0, Small(value.unsigned_abs().into()).shifted(places.into()))
    }

    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    pub(super) fn magnitude(&self) -> &Magnitude {
        &self.magnitude
    }

    pub(super) fn is_zero(&self) -> bool {
        self.magnitude == Small(0)
    }

    pub(super) fn plus(&self, other: &Amount) -> Amount {
        let (a, b) = (&self.magnitude, &other.magnitude);
        match (self.negative == other.negative, a >= b) {
            (true, _) => Amount::new(self.negative, a.plus(b)),
            (false, true) => Amount::new(self.negative, a.minus(b)),
            (false, false) => Amount::new(other.negative, b.minus(a)),
        }
    }

    pub(super) fn negated(self) -> Amount {
        Amount::new(!self.negative, self.magnitude)
    }

    pub(super) fn times(self, factor: i64) -> Amount {
        Amount::new(self.negative != (factor < 0), self.magnitude.times(factor.unsigned_abs()))
    }

    /// Divided by a power of ten and rounded away from zero.
    pub(super) fn to_i64(&self, places: u32) -> Option<i64> {
        match self.magnitude.clone().shifted(-i64::from(places)) {
            Small(value) if self.negative => 0_i64.checked_sub_unsigned(value.try_into().ok()?),
            Small(value) => value.try_into().ok(),
            Large(_) => None,
        }
    }

    pub(super) fn to_f64(&self) -> f64 {
        let sign = if self.negative { "-" } else { "" };
        let digits = text(&self.magnitude.digits());
        // Parsing rounds correctly, which arithmetic in floating point would not. What is too large becomes infinite.
        format!("{sign}{digits}e-9").parse().unwrap_or(f64::NAN)
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Amount) -> Ordering {
        let (a, b) = (&self.magnitude, &other.magnitude);
        match (self.negative, other.negative) {
            (false, false) => a.cmp(b),
            (true, true) => b.cmp(a),
            (negative, _) => {
                if negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Amount) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Magnitude {
    /// Of digits that may begin with zeros.
    pub(super) fn from_digits(digits: impl Iterator<Item = u8> + Clone) -> Magnitude {
        let small =
            digits.clone().try_fold(0_u128, |sum, digit| sum.checked_mul(10)?.checked_add(digit.into()));
        small.map_or_else(|| Large(digits.skip_while(|digit| *digit == 0).collect()), Small)
    }

    pub(super) fn digits(&self) -> Vec<u8> {
        match self {
            Small(value) => value.to_string().bytes().map(|byte| byte - b'0').collect(),
            Large(digits) => digits.clone(),
        }
    }

    /// Multiplied by a power of ten, or divided by one and rounded up.
    pub(super) fn shifted(self, places: i64) -> Magnitude {
        let count = usize::try_from(places.unsigned_abs()).unwrap_or(usize::MAX);
        if let Small(value) = self {
            let power = POWERS.get(count);
            if value == 0 || places < 0 {
                return Small(power.map_or(value.min(1), |power| value.div_ceil(*power)));
            }
            if let Some(product) = power.and_then(|power| value.checked_mul(*power)) {
                return Small(product);
            }
        }
        let mut digits = self.digits();
        if places >= 0 {
            digits.resize(digits.len().saturating_add(count), 0);
            return Magnitude::from_digits(digits.into_iter());
        }
        let cut = digits.split_off(digits.len().saturating_sub(count));
        let rest = u128::from(cut.iter().any(|digit| *digit != 0));
        Magnitude::from_digits(digits.into_iter()).plus(&Small(rest))
    }

    pub(super) fn times(self, factor: u64) -> Magnitude {
        if let Small(value) = self
            && let Some(product) = value.checked_mul(factor.into())
        {
            return Small(product);
        }
        let mut carry = 0_u128;
        let mut product: Vec<u8> = Vec::new();
        for digit in self.digits().into_iter().rev() {
            carry += u128::from(digit) * u128::from(factor);
            product.push((carry % 10) as u8);
            carry /= 10;
        }
        while carry > 0 {
            product.push((carry % 10) as u8);
            carry /= 10;
        }
        Magnitude::from_digits(product.into_iter().rev())
    }

    fn plus(&self, other: &Magnitude) -> Magnitude {
        if let (Small(a), Small(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Small(sum);
        }
        let (a, b) = if self >= other { (self, other) } else { (other, self) };
        by_digits(&a.digits(), &b.digits(), |a, b, carry| a + b + carry)
    }

    /// Less a number that is not greater.
    fn minus(&self, other: &Magnitude) -> Magnitude {
        match (self, other) {
            (Small(a), Small(b)) => Small(a.saturating_sub(*b)),
            // Euclid's division makes the borrow of it: -3 is 7 and one from the next digit.
            _ => by_digits(&self.digits(), &other.digits(), |a, b, borrow| a - b + borrow),
        }
    }
}

/// Goes through the digits of two numbers, of which `a` is not shorter, from the lowest.
fn by_digits(a: &[u8], b: &[u8], combine: fn(i8, i8, i8) -> i8) -> Magnitude {
    let mut carry = 0;
    let b = b.iter().rev().chain(std::iter::repeat(&0));
    let mut digits: Vec<u8> = Vec::with_capacity(a.len() + 1);
    for (a, b) in a.iter().rev().zip(b) {
        let sum = combine(*a as i8, *b as i8, carry);
        digits.push(sum.rem_euclid(10) as u8);
        carry = sum.div_euclid(10);
    }
    digits.push(carry as u8);
    Magnitude::from_digits(digits.into_iter().rev())
}

impl Ord for Magnitude {
    fn cmp(&self, other: &Magnitude) -> Ordering {
        match (self, other) {
            (Small(a), Small(b)) => a.cmp(b),
            (Small(_), Large(_)) => Ordering::Less,
            (Large(_), Small(_)) => Ordering::Greater,
            (Large(a), Large(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        }
    }
}

impl PartialOrd for Magnitude {
    fn partial_cmp(&self, other: &Magnitude) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Default for Magnitude {
    fn default() -> Magnitude {
        Small(0)
    }
}

/// Digits as a text.
pub(super) fn text(digits: &[u8]) -> String {
    digits.iter().map(|digit| char::from(b'0' + digit)).collect()
}
