//! A TCP proxy on loopback that breaks connections on purpose.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// What the proxy does with the bytes it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Link {
    /// Passes them on.
    Up,
    /// Keeps every connection open and lets nothing through in either direction, as a dead route does. What was
    /// under way goes on when the link is up again.
    Frozen,
    /// Resets new connections; those that exist go on.
    Refusing,
}

/// A proxy in front of one component; it ends when it is dropped, and its connections with it.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    link: Link,
    closed: bool,
    /// How many more bytes the server may answer before every connection is cut.
    budget: Option<usize>,
    connections: Vec<Connection>,
    accepted: usize,
}

#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
    cut: Arc<AtomicBool>,
}

impl FaultProxy {
    /// Listens on a free port and passes on to `target`.
    pub fn start(target: SocketAddr) -> Result<FaultProxy> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("opening the fault proxy's port")?;
        let address = listener.local_addr()?;
        let state =
            State { link: Link::Up, closed: false, budget: None, connections: Vec::new(), accepted: 0 };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let mut state = accepting.lock();
                if state.closed {
                    return;
                }
                let Ok(client) = client else { continue };
                state.accepted += 1;
                if state.link == Link::Refusing {
                    reset(&client);
                    continue;
                }
                drop(state);
                // No thread must ever block the accepting one: a frozen or paused target still takes connections.
                let shared = accepting.clone();
                std::thread::spawn(move || match TcpStream::connect(target) {
                    Ok(server) => shared.join(client, server),
                    Err(_) => reset(&client),
                });
            }
        });
        Ok(FaultProxy { address, shared })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were asked for, refused ones included.
    pub fn accepted(&self) -> usize {
        self.shared.lock().accepted
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// Sets the link; [`Link::Up`] lets frozen bytes go on.
    pub fn set(&self, link: Link) {
        self.shared.lock().link = link;
        self.shared.changed.notify_all();
    }

    /// Resets every open connection, frozen ones included.
    pub fn cut(&self) {
        self.shared.lock().cut();
        self.shared.changed.notify_all();
    }

    /// Cuts every connection once the server has answered `bytes` more bytes, counted over all of them.
    pub fn cut_after(&self, bytes: usize) {
        self.shared.lock().budget = Some(bytes);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.cut();
        drop(state);
        self.shared.changed.notify_all();
        // Wakes the accepting thread, so that it sees that it is closed and gives the port back.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn cut(&mut self) {
        for connection in self.connections.drain(..) {
            connection.cut.store(true, Ordering::Release);
            reset(&connection.client);
            reset(&connection.server);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries bytes both ways until either side ends.
    fn join(self: &Arc<Shared>, client: TcpStream, server: TcpStream) {
        let cut = Arc::new(AtomicBool::new(false));
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
            // A writer that a slow reader blocks still has to see that it was cut.
            let _ = stream.set_write_timeout(Some(Duration::from_millis(50)));
        }
        let copies = || {
            Some([
                client.try_clone().ok()?,
                client.try_clone().ok()?,
                server.try_clone().ok()?,
                server.try_clone().ok()?,
            ])
        };
        let Some([client_in, client_out, server_in, server_out]) = copies() else { return };
        {
            let mut state = self.lock();
            if state.closed {
                return;
            }
            state.connections.push(Connection { client, server, cut: cut.clone() });
        }
        let up = std::thread::spawn({
            let (shared, cut) = (self.clone(), cut.clone());
            move || shared.pump(client_in, server_out, false, &cut)
        });
        self.pump(server_in, client_out, true, &cut);
        let _ = up.join();
        self.lock().connections.retain(|connection| !Arc::ptr_eq(&connection.cut, &cut));
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream, answers: bool, cut: &AtomicBool) {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = from.read(&mut buffer);
            // A frozen link hides the end of a stream too.
            let mut state = self.thawed(cut);
            if cut.load(Ordering::Acquire) {
                return;
            }
            let Ok(count @ 1..) = read else {
                drop(state);
                let _ = to.shutdown(Shutdown::Write);
                return;
            };
            let budget = if answers { state.budget } else { None };
            let pass = budget.map_or(count, |budget| budget.min(count));
            state.budget = if answers { budget.map(|budget| budget - pass) } else { state.budget };
            drop(state);
            if !write(&mut to, &buffer[..pass], cut) {
                // A connection that was cut ends with a reset, and an orderly end must not come before it.
                if !cut.load(Ordering::Acquire) {
                    let _ = from.shutdown(Shutdown::Both);
                }
                return;
            }
            if budget == Some(pass) {
                let mut state = self.lock();
                state.budget = None;
                state.cut();
                return;
            }
        }
    }

    /// Blocks while the link is frozen and the connection lives.
    fn thawed(&self, cut: &AtomicBool) -> MutexGuard<'_, State> {
        let frozen = |state: &mut State| state.link == Link::Frozen && !cut.load(Ordering::Acquire);
        self.changed.wait_while(self.lock(), frozen).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes everything, or says that this can't be done any more.
fn write(to: &mut TcpStream, mut bytes: &[u8], cut: &AtomicBool) -> bool {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) => {}
            Err(_) => return false,
        }
        if cut.load(Ordering::Acquire) {
            return false;
        }
    }
    true
}

/// Makes a connection end with a reset instead of an orderly close, as soon as its threads have let go of it: shutting
/// the writing side down as well would send the peer a clean end first.
fn reset(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    let _ = stream.shutdown(Shutdown::Read);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets, and the proxy in front of it.
    fn echo() -> (FaultProxy, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = FaultProxy::start(listener.local_addr().unwrap()).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut from, mut to) = (stream.as_ref().unwrap().try_clone().unwrap(), stream.unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        });
        let client = TcpStream::connect(proxy.address()).unwrap();
        (proxy, client)
    }

    fn say(client: &mut TcpStream, word: &[u8]) {
        client.write_all(word).unwrap();
        let mut heard = vec![0; word.len()];
        client.read_exact(&mut heard).unwrap();
        assert_eq!(heard, word);
    }

    #[test]
    fn bytes_pass_and_a_cut_is_a_reset() {
        let (proxy, mut client) = echo();
        say(&mut client, b"hello");
        assert_eq!((proxy.accepted(), proxy.open()), (1, 1));
        proxy.cut();
        assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        say(&mut TcpStream::connect(proxy.address()).unwrap(), b"again");
    }

    #[test]
    fn a_frozen_link_holds_the_bytes_and_lets_them_go_on() {
        let (proxy, mut client) = echo();
        say(&mut client, b"hello");
        proxy.set(Link::Frozen);
        client.write_all(b"later").unwrap();
        client.set_nonblocking(true).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        proxy.set(Link::Up);
        client.set_nonblocking(false).unwrap();
        let mut heard = [0; 5];
        client.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"later");

        proxy.set(Link::Frozen);
        proxy.cut();
        assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    #[test]
    fn a_refusing_link_resets_new_connections_only() {
        let (proxy, mut client) = echo();
        say(&mut client, b"hello");
        proxy.set(Link::Refusing);
        let mut refused = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(refused.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        say(&mut client, b"still here");
    }

    #[test]
    fn a_budget_cuts_in_the_middle_of_an_answer() {
        let (proxy, mut client) = echo();
        say(&mut client, b"hello");
        proxy.cut_after(3);
        client.write_all(b"world").unwrap();
        let mut heard = Vec::new();
        let error = client.read_to_end(&mut heard).unwrap_err();
        assert_eq!((&heard[..], error.kind()), (&b"wor"[..], ErrorKind::ConnectionReset));
    }
}
