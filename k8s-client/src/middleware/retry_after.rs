//! The server's wish when to come back.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// `Retry-After` as seconds or as a date. A date counts from the server's own `Date`, or else from `now`.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let wish = text(RETRY_AFTER)?;
    // HTTP has digits only; `parse` would take a sign too.
    if !wish.is_empty() && wish.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit is for ever.
        return Some(Duration::from_secs(wish.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(wish).ok()?;
    let from = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(from).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use http::HeaderMap;

    use super::retry_after;

    fn wish(headers: &[(&'static str, &str)]) -> Option<u64> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        // 1994-11-06 08:49:37 UTC, the date of the standard's example.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        retry_after(&headers, now).map(|wish| wish.as_secs())
    }

    #[test]
    fn seconds() {
        assert_eq!(wish(&[("retry-after", "7")]), Some(7));
        assert_eq!(wish(&[("retry-after", " 0 ")]), Some(0));
        assert_eq!(wish(&[("retry-after", "99999999999999999999999")]), Some(u64::MAX));
    }

    #[test]
    fn dates_count_from_the_servers_clock() {
        let until = ("retry-after", "Sun, 06 Nov 1994 08:50:00 GMT");
        assert_eq!(wish(&[until]), Some(23));
        assert_eq!(wish(&[until, ("date", "Sun, 06 Nov 1994 08:49:58 GMT")]), Some(2));
        assert_eq!(wish(&[("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT")]), Some(0), "it has passed");
    }

    #[test]
    fn what_is_neither_is_no_wish() {
        for value in ["", "-1", "+1", "1.5", "soon", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(wish(&[("retry-after", value)]), None, "{value}");
        }
        assert_eq!(wish(&[]), None);
    }
}
