//! Changing a file that others change too: a lock file as kubectl has it, and a rename.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::Node;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// How often a lock that somebody else holds is tried again.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// `<file>.lock`, which kubectl and client-go take too: whoever creates it may write. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Lock(PathBuf);

impl Lock {
    /// `None` while somebody else has it.
    pub(crate) fn try_take(file: &Path) -> Result<Option<Lock>> {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        let path = file.with_file_name(name);
        match std::fs::File::options().write(true).create_new(true).open(&path) {
            Ok(_) => Ok(Some(Lock(path))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => {
                Err(Error::config(format!("can't make the lock file {}", path.display())).caused(error))
            }
        }
    }

    /// Blocks for at most `patience`.
    pub(super) fn take(file: &Path, patience: Duration) -> Result<Lock> {
        let mut left = patience;
        loop {
            if let Some(lock) = Lock::try_take(file)? {
                return Ok(lock);
            }
            if left.is_zero() {
                return Err(Error::config(held(file)));
            }
            std::thread::sleep(PAUSE);
            left = left.saturating_sub(PAUSE);
        }
    }
}

/// What to do about a lock that does not go.
pub(crate) fn held(file: &Path) -> String {
    format!(
        "another program is changing {0}; if none is, remove {0}.lock, which one left behind",
        file.display()
    )
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, file = %self.0.display(), "a lock file could not be removed");
        }
    }
}

/// Where a file really is: a link stays a link to what is replaced.
pub(crate) fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

pub(super) fn read(path: &Path) -> Result<Node> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::config("can't be read").caused(error))?;
    Node::read(Secret::new(text).expose())
}

/// Replaces the file as a whole: a reader sees the old text or the new one, never a part.
pub(super) fn replace(path: &Path, node: &Node) -> Result<()> {
    let text = node.write()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".kubeconfig").tempfile_in(folder)?;
        file.write_all(text.expose().as_bytes())?;
        if let Ok(old) = std::fs::metadata(path) {
            file.as_file().set_permissions(old.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| Error::config("can't be written").caused(error))
}
