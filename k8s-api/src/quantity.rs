//! Amounts of CPU, memory and other resources.

mod amount;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use std::str::FromStr;

use serde_core::de::{Deserialize, Deserializer, Error, Visitor};
use serde_core::ser::{Serialize, Serializer};

use self::amount::Amount;
use crate::codec::wire::{self, Reader, Wire};
use crate::leaf::{Leaf, LeafError, Scalar};
use crate::text::Str;
use crate::view::{Slot, Value, View};

/// An amount of a resource, such as `500m` of CPU or `2Gi` of memory.
///
/// It keeps the text it was read from and compares by value; to compare texts, compare `as_str()`. Arithmetic is exact
/// at any length, with Go's rules: what is smaller than a billionth is rounded away from zero when it is read, and a
/// text with a binary suffix stands for 2^63 - 1 at most.
///
/// ```
/// use k8s_api::quantity::{Quantity, Scale};
///
/// let mut memory: Quantity = "1.5Gi".parse()?;
/// assert_eq!(memory, "1536Mi".parse()?);
/// assert_ne!(memory.as_str(), "1536Mi");
/// memory += &"512Mi".parse()?;
/// assert_eq!(memory.as_str(), "2Gi");
/// assert_eq!(memory.as_i64(), Some(2 << 30));
///
/// let cpu: Quantity = "1500m".parse()?;
/// assert_eq!(cpu.scaled(Scale::Milli), Some(1500));
/// assert_eq!(cpu.scaled(Scale::One), Some(2)); // rounded away from zero
/// # Ok::<_, k8s_api::leaf::LeafError>(())
/// ```
///
/// There is no conversion that can't fail from a text:
///
/// ```compile_fail
/// # use k8s_api::quantity::Quantity;
/// let cpu = Quantity::from("500m");
/// ```
// The text is all there is: the value is read from it when it is asked for, which costs less than keeping it in each of
// the many quantities that nobody asks. The format beside it is what a sum goes on in.
#[derive(Clone)]
pub struct Quantity {
    text: Str,
    format: Format,
}

/// How a quantity that was reckoned is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `12M` for 12,000,000.
    DecimalSi,
    /// `12Mi` for 12 * 2^20.
    BinarySi,
    /// `12e6` for 12,000,000.
    DecimalExponent,
}

/// A power of ten to count a quantity in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scale {
    /// Billionth parts.
    Nano,
    /// Millionth parts.
    Micro,
    /// Thousandth parts, as CPU is counted.
    Milli,
    /// Wholes.
    One,
    /// Thousands.
    Kilo,
    /// Millions.
    Mega,
    /// Billions.
    Giga,
    /// 10^12.
    Tera,
    /// 10^15.
    Peta,
    /// 10^18.
    Exa,
}

impl Scale {
    /// The power of ten, from nano on.
    fn places(self) -> u32 {
        self as u32 * 3
    }
}

impl Quantity {
    /// `value` times the power of ten, in its canonical form.
    ///
    /// ```
    /// # use k8s_api::quantity::{Format, Quantity, Scale};
    /// assert_eq!(Quantity::new(250, Scale::Milli, Format::DecimalSi).as_str(), "250m");
    /// assert_eq!(Quantity::new(3 << 30, Scale::One, Format::BinarySi).as_str(), "3Gi");
    /// ```
    pub fn new(value: i64, scale: Scale, format: Format) -> Quantity {
        Quantity::of(&Amount::from_i64(value, scale.places()), format)
    }

    fn of(amount: &Amount, format: Format) -> Quantity {
        Quantity { text: text::canonical(amount, format).into(), format }
    }

    fn amount(&self) -> Amount {
        // Only texts that were read before get here.
        text::parse(&self.text).map_or_else(|_| Amount::default(), |(amount, _)| amount)
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How sums that begin with it are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The same value in the form that the API server writes: without a fraction and with the greatest suffix that
    /// allows that.
    ///
    /// It differs from Go's only where a reader would take that for another value: Go writes `1000E` as `1`, and sums
    /// beyond 2^63 with a binary suffix.
    pub fn canonical(&self) -> Quantity {
        Quantity::of(&self.amount(), self.format)
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.amount().is_zero()
    }

    /// The value, if it is a whole number within 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        let amount = self.amount();
        let places = Scale::One.places();
        amount.to_i64(places).filter(|value| Amount::from_i64(*value, places) == amount)
    }

    /// The nearest floating-point number, infinite if the value is too large for one.
    pub fn as_f64(&self) -> f64 {
        self.amount().to_f64()
    }

    /// How many of a power of ten, rounded away from zero; `None` out of the range of 64 bits, where Go's overflows.
    pub fn scaled(&self, scale: Scale) -> Option<i64> {
        self.amount().to_i64(scale.places())
    }
}

/// Zero.
impl Default for Quantity {
    fn default() -> Quantity {
        Quantity { text: Str::from_static("0"), format: Format::DecimalSi }
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Quantity").field(&self.text).finish()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl FromStr for Quantity {
    type Err = LeafError;

    fn from_str(text: &str) -> Result<Quantity, LeafError> {
        let (_, format) = text::parse(text)?;
        Ok(Quantity { text: text.into(), format })
    }
}

macro_rules! from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Quantity {
            fn from(value: $integer) -> Quantity {
                Quantity::new(value.into(), Scale::One, Format::DecimalSi)
            }
        }
    )*};
}

from_integer!(i64, i32, u32);

impl PartialEq for Quantity {
    fn eq(&self, other: &Quantity) -> bool {
        self.text == other.text || self.amount() == other.amount()
    }
}

impl Eq for Quantity {}

impl Ord for Quantity {
    fn cmp(&self, other: &Quantity) -> Ordering {
        self.amount().cmp(&other.amount())
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Quantity) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.amount().hash(state);
    }
}

impl AddAssign<&Quantity> for Quantity {
    /// A zero takes the other's format, as in Go.
    fn add_assign(&mut self, other: &Quantity) {
        let amount = self.amount();
        let format = if amount.is_zero() { other.format } else { self.format };
        *self = Quantity::of(&amount.plus(&other.amount()), format);
    }
}

impl SubAssign<&Quantity> for Quantity {
    fn sub_assign(&mut self, other: &Quantity) {
        *self += &-other;
    }
}

impl Add<&Quantity> for Quantity {
    type Output = Quantity;

    fn add(mut self, other: &Quantity) -> Quantity {
        self += other;
        self
    }
}

impl Sub<&Quantity> for Quantity {
    type Output = Quantity;

    fn sub(mut self, other: &Quantity) -> Quantity {
        self -= other;
        self
    }
}

impl Neg for &Quantity {
    type Output = Quantity;

    fn neg(self) -> Quantity {
        Quantity::of(&self.amount().negated(), self.format)
    }
}

impl Mul<i64> for &Quantity {
    type Output = Quantity;

    fn mul(self, factor: i64) -> Quantity {
        Quantity::of(&self.amount().times(factor), self.format)
    }
}

impl<'a> Sum<&'a Quantity> for Quantity {
    fn sum<I: Iterator<Item = &'a Quantity>>(quantities: I) -> Quantity {
        // As with `+=`, but with one text at the end.
        let zero = (Amount::default(), Format::DecimalSi);
        let (sum, format) = quantities.fold(zero, |(sum, format), quantity| {
            let format = if sum.is_zero() { quantity.format } else { format };
            (sum.plus(&quantity.amount()), format)
        });
        Quantity::of(&sum, format)
    }
}

impl Leaf for Quantity {
    fn make_canonical(&mut self) {
        *self = self.canonical();
    }

    fn get(&self) -> Scalar<'_> {
        Scalar::Text(Cow::Borrowed(&self.text))
    }

    fn set(&mut self, scalar: Scalar<'_>) -> Result<(), LeafError> {
        *self = match scalar {
            // Go trims what comes from JSON, and only that.
            Scalar::Text(text) | Scalar::Number(text) => text.trim().parse()?,
            Scalar::Int(value) => value.to_string().parse()?,
        };
        Ok(())
    }

    /// As `==`: `1` and `1000m` are the same.
    fn same(&self, other: Scalar<'_>) -> bool {
        let mut quantity = Quantity::default();
        quantity.set(other).is_ok() && *self == quantity
    }

    fn write_protobuf(&self, out: &mut Vec<u8>) {
        wire::bytes(1, self.text.as_bytes(), out);
    }

    fn read_protobuf(&mut self, bytes: &[u8]) -> Result<(), LeafError> {
        let mut read = Quantity::default();
        let mut fields = Reader::new(bytes, 0);
        while let Some(field) = fields.field()? {
            if let (1, Wire::Bytes(_)) = (field.number, field.value) {
                read = field.text()?.parse()?;
            }
        }
        *self = read;
        Ok(())
    }
}

impl Value for Quantity {
    fn view(&self) -> View<'_> {
        View::Leaf(self)
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Leaf(self)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
        struct QuantityVisitor;

        impl Visitor<'_> for QuantityVisitor {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity such as 500m, 1.5 or 2Gi")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Quantity, E> {
                text.trim().parse().map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Quantity, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Quantity, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Quantity, E> {
                self.visit_str(&value.to_string())
            }
        }

        deserializer.deserialize_any(QuantityVisitor)
    }
}
