//! JSON, straight between bytes and fields.

mod lexer;
mod read;
mod scan;
mod transcode;
mod write;

pub(crate) use lexer::{Lexer, kind};
pub use read::{decode, decode_into, event};
pub(crate) use read::{forget, read, read_next, set_null};
pub(crate) use scan::special;
pub(crate) use transcode::transcode;
pub(crate) use write::{chosen, key, number, string, value};
pub use write::{encode, encode_into};
