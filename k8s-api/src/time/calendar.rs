//! Dates of the Gregorian calendar and the texts of RFC 3339.

const DAY: i64 = 86_400;

/// A date and a time of day in UTC.
#[derive(Debug, PartialEq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
}

/// Days from the Unix epoch. Years are counted from March, so that the leap day is a year's last; 719,468 days are
/// between the first of March of the year 0 and the epoch.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + leap_days + day_of_year - 719_468
}

/// The other way round: year, month and day.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let day = days.rem_euclid(146_097); // of the 400 years after which the calendar repeats
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = (month + 2) % 12 + 1;
    (days.div_euclid(146_097) * 400 + year + i64::from(month <= 2), month, day)
}

pub(super) fn civil(unix_seconds: i64) -> Civil {
    let (year, month, day) = date(unix_seconds.div_euclid(DAY));
    let second = unix_seconds.rem_euclid(DAY);
    Civil { year, month, day, hour: second / 3600, minute: second / 60 % 60, second: second % 60 }
}

/// Seconds and nanoseconds from the Unix epoch.
///
/// Accepts what Go's `time.Parse(time.RFC3339, ..)` accepts, which beyond RFC 3339 is an hour of one digit, a comma
/// before the fraction, and offsets of up to 24:60; no leap seconds.
pub(super) fn parse(text: &str) -> Option<(i64, u32)> {
    let rest = &mut text.as_bytes();
    let year = number(rest, 4)?;
    let month = after(rest, b'-')?;
    let day = after(rest, b'-')?;
    skip(rest, b'T')?;
    let hour_digits = if rest.get(1) == Some(&b':') { 1 } else { 2 };
    let hour = number(rest, hour_digits)?;
    let minute = after(rest, b':')?;
    let second = after(rest, b':')?;
    let nanos = if matches!(rest.first(), Some(b'.' | b',')) { fraction(rest)? } else { 0 };
    let offset = offset(rest)?;

    let days = days(year, month, day);
    let valid =
        date(days) == (year, month, day) && hour < 24 && minute < 60 && second < 60 && rest.is_empty();
    valid.then_some((days * DAY + hour * 3600 + minute * 60 + second - offset, nanos))
}

fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let digits = rest.split_off(..digits)?;
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

fn skip(rest: &mut &[u8], expected: u8) -> Option<()> {
    (*rest.split_off_first()? == expected).then_some(())
}

fn after(rest: &mut &[u8], separator: u8) -> Option<i64> {
    skip(rest, separator)?;
    number(rest, 2)
}

fn fraction(rest: &mut &[u8]) -> Option<u32> {
    rest.split_off_first()?;
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = rest.split_off(..length)?;
    let nanos = digits.iter().chain([b'0'; 9].iter()).take(9);
    (length > 0).then(|| nanos.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
}

fn offset(rest: &mut &[u8]) -> Option<i64> {
    let sign = match rest.split_off_first()? {
        b'Z' => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = number(rest, 2)?;
    let minutes = after(rest, b':')?;
    (hours <= 24 && minutes <= 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_follows_the_one_before() {
        let month_lengths = |year: i64| {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        };
        let mut day_number = days(0, 1, 1);
        for year in 0..10_000 {
            for (month, length) in (1..).zip(month_lengths(year)) {
                for day in 1..=length {
                    assert_eq!(days(year, month, day), day_number);
                    assert_eq!(date(day_number), (year, month, day));
                    day_number += 1;
                }
                assert_ne!(date(days(year, month, length + 1)), (year, month, length + 1));
            }
        }
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(10_000, 1, 1), day_number);
    }

    #[test]
    fn a_time_of_day_is_taken_apart() {
        assert_eq!(civil(-1), Civil { year: 1969, month: 12, day: 31, hour: 23, minute: 59, second: 59 });
    }
}
