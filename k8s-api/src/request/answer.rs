//! What comes back.

use std::marker::PhantomData;

use bytes::Bytes;

use crate::codec::error::DecodeError;
use crate::codec::json;
use crate::meta::v1::Status;
use crate::raw::RawJson;
use crate::request::RequestError;
use crate::view::Message;

/// An answer that is read when all of it is there.
pub trait Answer: Sized {
    /// Reads a body. The error says which field of which type is wrong, and never its value.
    fn read(body: &[u8]) -> Result<Self, RequestError>;
}

impl<M: Message + Default> Answer for M {
    fn read(body: &[u8]) -> Result<M, RequestError> {
        json::decode(body).map_err(|error| wrong(M::default().table().name, &error))
    }
}

/// As it is, such as a log.
impl Answer for Bytes {
    fn read(body: &[u8]) -> Result<Bytes, RequestError> {
        Ok(Bytes::copy_from_slice(body))
    }
}

/// A text, such as that of a health check.
impl Answer for String {
    fn read(body: &[u8]) -> Result<String, RequestError> {
        std::str::from_utf8(body)
            .map(str::to_owned)
            .map_err(|_| RequestError::new("the server's answer is no UTF-8 text"))
    }
}

/// JSON that the documents don't describe.
impl Answer for RawJson {
    fn read(body: &[u8]) -> Result<RawJson, RequestError> {
        RawJson::parse(body).map_err(|error| wrong("JSON", &error))
    }
}

fn wrong(name: &str, error: &DecodeError) -> RequestError {
    RequestError::new(format!("the server's answer is no {name}: {error}"))
}

/// What became of what was deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted<K> {
    /// It is gone.
    Gone,
    /// The server shows what it was, and for some kinds it does so always. With a `deletionTimestamp` it goes once its
    /// finalizers and its grace period have ended.
    Going(Box<K>),
}

/// The server answers with a `Status` when nothing is left to show, and with the object otherwise.
impl<M: Message + Default> Answer for Deleted<M> {
    fn read(body: &[u8]) -> Result<Deleted<M>, RequestError> {
        match json::decode::<Status>(body) {
            Ok(_) => Ok(Deleted::Gone),
            Err(_) => M::read(body).map(|object| Deleted::Going(Box::new(object))),
        }
    }
}

/// A stream of what happens to objects of a kind, for as long as it is read.
#[derive(Debug)]
pub struct Events<K>(PhantomData<fn() -> K>);

/// A stream of bytes that goes on as they are written.
#[derive(Debug)]
#[non_exhaustive]
pub struct Following;

/// The connection itself, as a stream in both directions.
#[derive(Debug)]
#[non_exhaustive]
pub struct Upgraded;
