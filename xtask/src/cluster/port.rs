//! Free loopback ports that stay ours.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};

use super::program::cache;

/// Below the range that the kernel hands to outgoing connections: a client that dials a server while it
/// restarts could otherwise be given the server's own port.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1 that no other cluster of this user takes while the value lives.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    _reserved: File,
}

impl Port {
    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// A port that nobody listens on.
    pub(super) fn free() -> Result<Port> {
        let mut seed = [0; 2];
        getrandom::fill(&mut seed).context("asking the system for random bytes")?;
        let size = RANGE.end - RANGE.start;
        let start = u16::from_le_bytes(seed) % size;
        for step in 0..size {
            if let Some(port) = Port::reserve(RANGE.start + (start + step) % size)? {
                return Ok(port);
            }
        }
        bail!("no free port on 127.0.0.1 between {} and {}", RANGE.start, RANGE.end)
    }

    /// The port that a person asked for.
    pub(super) fn exactly(number: u16) -> Result<Port> {
        Port::reserve(number)?.with_context(|| {
            format!("port {number} on 127.0.0.1 is taken by another program: choose another --port, or leave it out for a free one")
        })
    }

    fn reserve(number: u16) -> Result<Option<Port>> {
        let dir = cache()?.join("ports");
        std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
        let path = dir.join(number.to_string());
        let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        let ours = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        let free = ours && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok();
        Ok(free.then_some(Port { number, _reserved: file }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_not_given_twice_and_a_taken_one_is_refused() {
        let port = Port::free().unwrap();
        let error = Port::exactly(port.number()).unwrap_err().to_string();
        assert!(error.contains(&format!("port {}", port.number())) && error.contains("--port"), "{error}");

        let number = port.number();
        drop(port);
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        assert!(Port::exactly(number).is_err());
    }
}
