//! Answers that come compressed.
//!
//! A list is a tenth as long that way, also one that is read while it arrives; the API server compresses what is longer than 128 KiB. Watches are never asked for
//! in this form, since an event would wait in a compressor, nor are answers of what runs behind the server, which come as they are.
//!
//! There is no limit on what comes out: an answer has none without compression either, and who could send a
//! bomb is the server that was chosen, over TLS. What comes out at a time is small, so a reader that stops stops it.

use std::io::{self, Write as _};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use flate2::write::MultiGzDecoder;
use futures_core::Stream;
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use k8s_api::operation::Verb;
use k8s_api::transport::{ByteStream, Call, Fault, Sent, TransportError};

/// About as much is handed on at a time.
const PIECE: usize = 64 << 10;

/// Asks for it, where it is of use and the caller has nothing of his own to say of it.
pub(super) fn ask(call: &mut Call) -> bool {
    let meta = &call.meta;
    let ends = meta.whole || meta.op.verb == Verb::List;
    let ask = ends && meta.op.subresource != "proxy" && !call.head.headers.contains_key(ACCEPT_ENCODING);
    if ask {
        call.head.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    ask
}

/// Whether an answer is to be decoded. Its headers then say nothing of it any more.
pub(super) fn take(headers: &mut HeaderMap) -> bool {
    let gzip = headers.get(CONTENT_ENCODING).is_some_and(|value| value == "gzip");
    if gzip {
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
    }
    gzip
}

/// What was compressed.
pub(super) fn decode(body: ByteStream, server: Arc<str>) -> ByteStream {
    Box::pin(Decoding {
        body: Some(body),
        input: Bytes::new(),
        decoder: MultiGzDecoder::new(Vec::new()),
        server,
    })
}

struct Decoding {
    /// `None` once it is over.
    body: Option<ByteStream>,
    input: Bytes,
    decoder: MultiGzDecoder<Vec<u8>>,
    server: Arc<str>,
}

impl Decoding {
    /// Decodes what is there, until it is enough for a piece.
    fn advance(&mut self) -> io::Result<Option<Bytes>> {
        while !self.input.is_empty() && self.decoder.get_ref().len() < PIECE {
            // At most 32 KiB come of it.
            match self.decoder.write(&self.input)? {
                0 => return Err(io::ErrorKind::InvalidData.into()),
                taken => self.input.advance(taken),
            }
        }
        Ok(if self.decoder.get_ref().len() < PIECE { None } else { self.decoded() })
    }

    fn decoded(&mut self) -> Option<Bytes> {
        let decoded = mem::take(self.decoder.get_mut());
        (!decoded.is_empty()).then(|| decoded.into())
    }

    /// An answer that is cut off must not pass for a whole one: it ends with a checksum.
    fn end(&mut self) -> io::Result<Option<Bytes>> {
        self.decoder.try_finish()?;
        Ok(self.decoded())
    }

    fn broken(&mut self, what: &str, error: io::Error) -> TransportError {
        self.body = None;
        let message = format!("the answer of {} {what}", self.server);
        TransportError::new(Sent::Unknown, Fault::Broken, message).with_source(error)
    }
}

impl Stream for Decoding {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let Some(body) = &mut this.body else { return Poll::Ready(None) };
            if !this.input.is_empty() {
                match this.advance() {
                    Ok(None) => continue,
                    Ok(Some(piece)) => return Poll::Ready(Some(Ok(piece))),
                    Err(error) => {
                        return Poll::Ready(Some(Err(
                            this.broken("is not the gzip that it says it is", error)
                        )));
                    }
                }
            }
            match body.as_mut().poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(input))) => this.input = input,
                Poll::Ready(Some(Err(error))) => {
                    this.body = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => {
                    let end = this.end();
                    this.body = None;
                    return match end {
                        Ok(piece) => Poll::Ready(piece.map(Ok)),
                        Err(error) => Poll::Ready(Some(Err(
                            this.broken("broke off: its gzip has no end, or a wrong checksum", error)
                        ))),
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;

    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
    use k8s_api::transport::{Fault, Sent, TransportError};

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn pieces(gzip: &[u8], length: usize) -> std::vec::IntoIter<Bytes> {
        gzip.chunks(length).map(Bytes::copy_from_slice).collect::<Vec<_>>().into_iter()
    }

    /// What comes out, piece by piece, when this comes in.
    fn decode(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Result<Vec<Bytes>, TransportError> {
        let body = futures_util::stream::iter(pieces.map(Ok));
        super::decode(Box::pin(body), Arc::from("it"))
            .try_collect()
            .now_or_never()
            .expect("nothing to wait for")
    }

    fn text() -> Vec<u8> {
        let lines: Vec<String> =
            (0..4000).map(|line| format!("line {line} of {}\n", line * 7919 % 101)).collect();
        lines.concat().into_bytes()
    }

    #[test]
    fn it_may_come_in_any_pieces() {
        let text = text();
        for length in [1, 2, 9, 10, 11, 1000, usize::MAX >> 1] {
            assert_eq!(decode(pieces(&gzip(&text), length)).unwrap().concat(), text, "{length}");
        }
        let two = [gzip(&text), gzip(b"and more")].concat();
        assert_eq!(decode(pieces(&two, 100)).unwrap().concat(), [&text[..], b"and more"].concat());
        assert_eq!(decode(pieces(&gzip(b""), 100)).unwrap().concat(), b"");
    }

    #[test]
    fn a_part_of_it_is_an_error() {
        let gzip = gzip(&text());
        for end in (0..40).chain(gzip.len() - 40..gzip.len()) {
            let error = decode(pieces(&gzip[..end], 1000)).unwrap_err();
            assert_eq!((error.sent(), error.fault()), (Sent::Unknown, Fault::Broken), "{end}");
            assert_eq!(
                error.to_string(),
                "the answer of it broke off: its gzip has no end, or a wrong checksum",
                "{end}"
            );
        }
    }

    #[test]
    fn a_wrong_bit_is_an_error() {
        let gzip = gzip(&text());
        // The time, the extra flags and the system in the header mean nothing here.
        for at in (0..3).chain(10..60).chain(gzip.len() - 60..gzip.len()) {
            let mut wrong = gzip.clone();
            wrong[at] ^= 1;
            let error = decode(pieces(&wrong, 1000)).unwrap_err();
            assert_eq!((error.sent(), error.fault()), (Sent::Unknown, Fault::Broken), "{at}: {error}");
        }
        let behind = [&gzip[..], b"{}"].concat();
        decode(pieces(&behind, 1000)).unwrap_err();
    }

    #[test]
    fn much_comes_out_in_small_pieces() {
        const ALL: usize = 64 << 20;
        let bomb = gzip(&vec![0; ALL]);
        let pieces = decode(std::iter::once(bomb.into())).unwrap();
        assert_eq!(pieces.iter().map(Bytes::len).sum::<usize>(), ALL);
        assert!(pieces.iter().all(|piece| piece.len() <= 2 * super::PIECE));
    }

    #[test]
    fn nothing_comes_after_an_error() {
        let body = futures_util::stream::iter([Ok(Bytes::from("no gzip")), Ok(Bytes::from("more"))]);
        let decoded = super::decode(Box::pin(body), Arc::from("it"));
        let items = decoded.collect::<Vec<_>>().now_or_never().expect("nothing to wait for");
        assert_eq!(items.len(), 1);
        assert_eq!(
            items[0].as_ref().unwrap_err().to_string(),
            "the answer of it is not the gzip that it says it is"
        );
    }
}
